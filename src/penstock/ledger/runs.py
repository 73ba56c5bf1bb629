"""One run of a pipeline: its calls in order, what went wrong in each, and the first that went wrong."""

from __future__ import annotations

import msgspec

from penstock.engine.record import Call
from penstock.ledger.sqlite import Ledger
from penstock.ledger.tasks import disagreed
from penstock.money import Picodollars

_BESIDE = ("shadow", "judge", "prewarm", "keep_alive")
"""Purposes of sends beside an answer, which are no try at it."""


class Run(msgspec.Struct, frozen=True):
    """The steps of a run.

    Attributes:
        key: the run's key, or the id of a call that belongs to none.
        steps: its calls, oldest first; at least one.
        faults: what went wrong in each step; empty where nothing did.
    """

    key: str
    steps: tuple[Call, ...]
    faults: tuple[tuple[str, ...], ...]

    @property
    def first(self) -> int | None:
        """Index of the first step that went wrong, or None."""
        return next((index for index, found in enumerate(self.faults) if found), None)

    @property
    def failed_after(self) -> int:
        """Steps that went wrong after the first one that did."""
        return max(0, sum(map(bool, self.faults)) - 1)

    @property
    def cost(self) -> tuple[Picodollars, int]:
        """The steps' known cost, and how many steps are of unknown cost."""
        known = [cost for call in self.steps if (cost := call.cost_all) is not None]
        return Picodollars(sum(known)), len(self.steps) - len(known)


def find_run(ledger: Ledger, name: str) -> Run | None:
    """The run of a key, or the one that the call of an id belongs to; None when the ledger has neither."""
    named = ledger.get(name)
    key = named.trace if named is not None and named.trace is not None else name
    steps = tuple(ledger.trace(key)) or ((named,) if named is not None else ())
    return Run(key, steps, tuple(map(faults_of, steps))) if steps else None


def faults_of(call: Call) -> tuple[str, ...]:
    """What went wrong in a step: its error, its ending, what a verifier turned down, what a shadow disagreed with."""
    found = [] if call.error_kind is None else [call.error_kind]
    found += [call.finish] if call.finish in ("refusal", "length") else []
    for extra in call.extra_sends:
        if extra.purpose == "shadow" and disagreed(extra.reason):
            found.append(f"shadow {extra.model} {extra.reason}")
        elif extra.purpose not in _BESIDE:
            found.append(f"{extra.model} {extra.purpose}: {extra.reason}")
    return tuple(found)


def agreements_of(call: Call) -> tuple[str, ...]:
    """What spoke for a step: shadows that agreed, and judges."""
    return tuple(
        f"{extra.purpose} {extra.model}: {extra.reason}"
        for extra in call.extra_sends
        if extra.purpose == "judge" or (extra.purpose == "shadow" and not disagreed(extra.reason))
    )
