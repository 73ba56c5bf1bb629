"""What the demo's team decides on top of the audit's proposal: the changes that no log can decide for them.

An audit proposes what is safe, and the rest behind the gate. A gate needs days of evidence and the demo has two, so
this team decides by its own word what is a decision about the work: that the triage may run on a small model, with its
answers verified and a stronger model behind it, that the clock in its prompt may stand below the instructions, and
that eight good passages will do. A policy file is where it writes that down.
"""

from __future__ import annotations

import msgspec

from penstock.demo.workloads import MAIL_MODEL, SMALL_MODEL
from penstock.policy.schema import Holdback, Policy, RoutePolicy, TaskPolicy, TrimPolicy

HOLDBACK = Holdback(share=0.25, salt="demo")
"""A quarter stays untreated: one day is short, and the proof needs two arms."""


def decided(proposed: Policy) -> Policy:
    """The policy in force: the proposal without its gates, the team's decisions, and a holdback."""
    tasks = {name: task.at_once() for name, task in proposed.tasks.items()}
    mail = tasks.get("email-triage", TaskPolicy())
    tasks["email-triage"] = msgspec.structs.replace(
        mail,
        cache=msgspec.structs.replace(mail.cache, stabilise=True, move_static_up=True),
        route=RoutePolicy(model=SMALL_MODEL, fallback=MAIL_MODEL, verify=("json",)),
    )
    lookup = tasks.get("clause-lookup", TaskPolicy())
    tasks["clause-lookup"] = msgspec.structs.replace(lookup, trim=TrimPolicy(retrieved_tokens=4000, top_k=8))
    return msgspec.structs.replace(proposed, mode="apply", holdback=HOLDBACK, tasks=tasks)
