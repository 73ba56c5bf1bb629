"""What the ledger says of prompt caches: promises and reports, why levers stood down, and the alarms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.engine.reconcile import reconciled
from penstock.engine.record import Call, ExtraSend
from penstock.engine.standing_down import StandDowns
from penstock.evidence.reconcile import Reconciled
from penstock.wire.diagnostics import Diagnosis

WARMING = ("prewarm", "keep_alive")
"""Purposes of requests that fill or renew cache entries."""


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm: the provider stopped behaving like the cache model.

    Attributes:
        at: start of the call that raised it, seconds since the epoch.
        call: its id.
        model: that it went to.
        why: the arithmetic.
    """

    at: float
    call: str
    model: str
    why: str


class Warmed(msgspec.Struct, kw_only=True):
    """Requests of ours that filled or renewed cache entries, of one task and purpose.

    Attributes:
        task: name or fingerprint.
        purpose: ``prewarm`` or ``keep_alive``.
        requests: how many.
        read: of them that read their prefix.
        cost: in picodollars, where known.
        unknown: requests whose cost is not known.
    """

    task: str
    purpose: str
    requests: int = 0
    read: int = 0
    cost: int = 0
    unknown: int = 0


class Diagnosed(msgspec.Struct, kw_only=True):
    """Calls of a task and model of which the provider said the same.

    Attributes:
        task: name or fingerprint.
        model: that they were sent to.
        said: the provider's reason (``system_changed``), or the outcome where nothing diverged (``reusable``).
        calls: how many.
        missed: tokens that could have been read had nothing diverged, where the provider said so.
        unforeseen: of the calls, those in which the cache model had promised a read or an entry that was not there.
    """

    task: str
    model: str
    said: str
    calls: int = 0
    missed: int = 0
    unforeseen: int = 0


class CacheFigures(msgspec.Struct, kw_only=True):
    """Sums over calls.

    Attributes:
        sums: foreseen and reported tokens and promises, by task and model.
        stood_down: by task, lever and what it did.
        warmed: requests of ours, by task and purpose.
        diagnosed: what the provider said of prompts, by task, model and word.
        alarms: oldest first.
    """

    sums: dict[tuple[str, str], Reconciled] = msgspec.field(default_factory=dict)
    stood_down: StandDowns = msgspec.field(default_factory=StandDowns)
    warmed: dict[tuple[str, str], Warmed] = msgspec.field(default_factory=dict)
    diagnosed: dict[tuple[str, str, str], Diagnosed] = msgspec.field(default_factory=dict)
    alarms: list[Raised] = msgspec.field(default_factory=list)

    def add(self, call: Call) -> None:
        """Count one call."""
        one = reconciled(call)
        if one is not None:
            self.sums.setdefault((call.task, call.model_sent), Reconciled()).add(one)
        if call.diagnosis is not None:
            self._add_diagnosed(call, call.diagnosis, unforeseen=one is not None and one.broken)
        self.stood_down.add(call.task, call.notes, call.started_at)
        for extra in call.extra_sends:
            if extra.purpose in WARMING:
                self._add_warmed(call.task, extra)
        if call.alarm:
            self.alarms.append(Raised(at=call.started_at, call=call.id, model=call.model_sent, why=call.alarm))

    def _add_diagnosed(self, call: Call, diagnosis: Diagnosis, *, unforeseen: bool) -> None:
        key = (call.task, call.model_sent, diagnosis.word)
        known = self.diagnosed.setdefault(key, Diagnosed(task=key[0], model=key[1], said=key[2]))
        known.calls += 1
        known.missed += diagnosis.missed or 0
        known.unforeseen += unforeseen

    def _add_warmed(self, task: str, extra: ExtraSend) -> None:
        key = (task, extra.purpose)
        warmed = self.warmed.setdefault(key, Warmed(task=task, purpose=extra.purpose))
        warmed.requests += 1
        warmed.read += extra.usage is not None and extra.usage.cache_read > 0
        warmed.cost += extra.cost or 0
        warmed.unknown += extra.cost is None

    def as_builtins(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "reconciled": [
                {"task": task, "model": model, **msgspec.structs.asdict(sums)}
                for (task, model), sums in sorted(self.sums.items())
            ],
            "stood_down": [msgspec.to_builtins(one) for one in self.stood_down.ranked()],
            "warmed": [msgspec.to_builtins(one) for _, one in sorted(self.warmed.items())],
            "diagnosed": [msgspec.to_builtins(one) for _, one in sorted(self.diagnosed.items())],
            "alarms": [msgspec.to_builtins(one) for one in self.alarms],
        }


def cache_figures(calls: Iterable[Call]) -> CacheFigures:
    """The figures of calls, given oldest first."""
    found = CacheFigures()
    for call in calls:
        found.add(call)
    return found
