"""How often levers did something else than act, and why: counted from the notes of finished calls."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.engine.edit import Note

_MOST = 1000


class StoodDown(msgspec.Struct, kw_only=True):
    """The calls of a task in which a lever did something else than act.

    Attributes:
        task: name or fingerprint.
        lever: which.
        did: ``stands down``, ``waits``, ``does not wait``.
        calls: how many.
        last_at: start of the latest one, seconds since the epoch.
        why: its arithmetic.
    """

    task: str
    lever: str
    did: str
    calls: int = 0
    last_at: float = 0.0
    why: str = ""


class StandDowns:
    """Sums by task, lever and what it did; beyond the first thousand further ones are left out.

    Attributes:
        sums: by task, lever and what it did.
    """

    def __init__(self) -> None:
        self.sums: dict[tuple[str, str, str], StoodDown] = {}

    def add(self, task: str, notes: Sequence[Note], at: float) -> None:
        """Count the notes of a call of a task that started ``at``, seconds since the epoch."""
        for note in notes:
            key = (task, note.lever, note.did)
            known = self.sums.get(key)
            if known is None:
                if len(self.sums) >= _MOST:
                    continue
                known = self.sums[key] = StoodDown(task=task, lever=note.lever, did=note.did)
            known.calls += 1
            if at >= known.last_at:
                known.last_at, known.why = at, note.why

    def ranked(self) -> list[StoodDown]:
        """By task, the most frequent first."""
        return sorted(self.sums.values(), key=lambda one: (one.task, -one.calls, one.lever, one.did))
