"""What the demo's team decides on top of the audit's proposal: the changes that no log can decide for them.

An audit proposes what is safe, and lets the gate find out about the rest. That the triage may run on a small model,
with its answers verified and a stronger model behind it, that the clock in its prompt may stand below the
instructions, and that eight good passages will do, are decisions about the work. This team makes them by its own word,
without a gate, and a policy file is where it writes them down.
"""

from __future__ import annotations

import msgspec

from penstock.demo.workloads import MAIL_MODEL, SMALL_MODEL
from penstock.policy.schema import Holdback, Policy, RoutePolicy, TaskPolicy, TrimPolicy

HOLDBACK = Holdback(share=0.25, salt="demo")
"""A quarter stays untreated: one day is short, and the proof needs two arms."""


def decided(proposed: Policy) -> Policy:
    """The policy in force: the proposal, the team's decisions, and a holdback."""
    tasks = dict(proposed.tasks)
    mail = tasks.get("email-triage", TaskPolicy())
    tasks["email-triage"] = msgspec.structs.replace(
        mail,
        cache=msgspec.structs.replace(mail.cache, stabilise=True, move_static_up=True),
        route=RoutePolicy(model=SMALL_MODEL, fallback=MAIL_MODEL, verify=("json",)),
        gate=None,
    )
    lookup = tasks.get("clause-lookup", TaskPolicy())
    tasks["clause-lookup"] = msgspec.structs.replace(lookup, trim=TrimPolicy(retrieved_tokens=4000, top_k=8), gate=None)
    return msgspec.structs.replace(proposed, mode="apply", holdback=HOLDBACK, tasks=tasks)
