"""How often a cheap model's answers were turned down, per task and model: counts that merge by addition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from penstock.evidence.growth import grown, through

_PRIOR_TRIES = 10.0
_PRIOR_FAILS = 0.5


class Tries(msgspec.Struct):
    """First tries on a routed model, and how many a verifier turned down, by reason."""

    tried: int = 0
    failed: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def share(self) -> float:
        """The expected share of failures; 5 percent before anything was seen, weighed as ten tries."""
        return (sum(self.failed.values()) + _PRIOR_FAILS) / (self.tried + _PRIOR_TRIES)


class Escalations(msgspec.Struct):
    """Tries by (task, model)."""

    by_key: dict[tuple[str, str], Tries] = msgspec.field(default_factory=dict)

    def share(self, task: str, model: str) -> float:
        """The expected share of first tries that fail."""
        return self.by_key.get((task, model), Tries()).share

    def add(self, task: str, model: str, failure: str | None) -> None:
        """Count one first try; ``failure`` is the verifier that turned it down, or None."""
        tries = self.by_key.setdefault((task, model), Tries())
        tries.tried += 1
        if failure is not None:
            tries.failed[failure] = tries.failed.get(failure, 0) + 1

    def merge(self, other: Escalations) -> None:
        """Add another summary to this one."""
        for key, theirs in other.by_key.items():
            mine = self.by_key.setdefault(key, Tries())
            mine.tried += theirs.tried
            for reason, count in theirs.failed.items():
                mine.failed[reason] = mine.failed.get(reason, 0) + count

    def advance(self, earlier: Escalations, now: Escalations) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: Escalations, now: Escalations) -> Iterator[None]:
        """The same, a task and model at a time."""
        for key, after in now.by_key.items():
            mine, before = self.by_key.setdefault(key, Tries()), earlier.by_key.get(key, Tries())
            mine.tried = grown(mine.tried, before.tried, after.tried)
            for reason, count in after.failed.items():
                mine.failed[reason] = grown(mine.failed.get(reason, 0), before.failed.get(reason, 0), count)
            yield

    def to_builtins(self) -> Any:
        """Plain lists and numbers for JSON."""
        return [[*key, one.tried, sorted(one.failed.items())] for key, one in sorted(self.by_key.items())]

    @classmethod
    def from_builtins(cls, value: Any) -> Escalations:
        """The summary that ``to_builtins`` described; ValueError or a subclass for anything else."""
        return cls(
            {
                (str(task), str(model)): Tries(int(tried), {str(reason): int(n) for reason, n in failed})
                for task, model, tried, failed in value
            }
        )
