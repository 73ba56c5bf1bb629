"""Starts learning where a policy asks for it; the libraries that it needs are imported only then."""

from __future__ import annotations

from collections.abc import MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING

from penstock.engine.context import EngineContext
from penstock.errors import UsageError
from penstock.policy.schema import Policy

if TYPE_CHECKING:
    from penstock.learning.learner import Learner


def wants_learning(policy: Policy) -> bool:
    """Whether a task of the policy says ``gate.difficulty = true``."""
    gates = [task.gate for task in (policy.defaults, *policy.tasks.values())]
    return any(gate is not None and gate.enabled and gate.difficulty for gate in gates)


_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def leave_the_cores(environment: MutableMapping[str, str]) -> None:
    """Have linear algebra use one thread, unless the user says otherwise; for a process of our own, at its start.

    Learning has a thread beside the calls. Threads of its libraries' own would take the cores from them.
    """
    for name in _THREADS:
        environment.setdefault(name, "1")


def learner_for(policy: Policy, context: EngineContext, ledger: str | None) -> Learner | None:
    """A running learner for the context's gates, or None where nothing asks for one.

    Args:
        policy: about to be in force.
        context: whose gates it learns for; its failures count what goes wrong.
        ledger: the ledger's file, or None.

    Raises:
        UsageError: the libraries are not installed.
        InputError: the ledger cannot be opened.
    """
    if not wants_learning(policy):
        return None
    try:
        module = import_module("penstock.learning.learner")
    except ImportError as error:
        if (error.name or "").startswith("penstock"):
            raise
        hint = "pip install 'penstock[learn]', or take difficulty = true out of the policy"
        raise UsageError(f"gate.difficulty needs {error.name}, which is not installed", hint=hint) from None
    learner: Learner = module.Learner(context.gates, ledger, failed=lambda name: context.failures.update([name]))
    return learner
