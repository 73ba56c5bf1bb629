"""Everything that was learnt from traffic, in one object that merges and travels as JSON.

Each part is a mergeable summary with ``merge``, ``to_builtins`` and ``from_builtins``. To add one: an attribute here.
Merging is by addition, so deltas of several workers can be added up in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Protocol, Self

import msgspec

from penstock.errors import InputError
from penstock.evidence.arrangement import Arrangements
from penstock.evidence.calibration import Calibration
from penstock.evidence.drift import DriftBook
from penstock.evidence.escalations import Escalations
from penstock.evidence.gatebook import GateBook
from penstock.evidence.growth import steps_of
from penstock.evidence.idle import Idle
from penstock.evidence.late import Late
from penstock.evidence.layouts import Layouts
from penstock.evidence.lengths import LengthTable
from penstock.evidence.reuse import ReuseEvidence
from penstock.evidence.sites import Sites

VERSION = 1

KEPT_PREFIXES = 50_000
"""Prompt prefixes that a snapshot keeps, the newest: what a restart can read in a second or two."""


class Summary(Protocol):
    """What every part of the evidence can do."""

    def merge(self, other: Self) -> None:
        """Add another summary of the same kind to this one."""

    def advance(self, earlier: Self, now: Self) -> None:
        """Add what was learnt since an earlier state of ``now`` (``evidence.growth``)."""

    def to_builtins(self) -> Any:
        """Plain JSON values."""


class Evidence(msgspec.Struct):
    """The learnt summaries.

    Attributes:
        lengths: output lengths per task and model.
        calibration: provider tokens against estimated tokens per model.
        escalations: answers of routed models that a verifier turned down.
        reuse: which prompt prefixes come again, and when.
        gates: which cheaper models have earned which tasks.
        drift: what the cache model foresaw against what providers reported.
        sites: call sites without a label, near-duplicates joined.
        idle: how long prefixes that are kept alive wait for their next use.
        late: how often conversations went on late, against what was expected.
        layouts: where texts are cut; of this process, neither merged nor stored.
        arrangements: how tools and schemas are written; the same.
    """

    lengths: LengthTable = msgspec.field(default_factory=LengthTable)
    calibration: Calibration = msgspec.field(default_factory=Calibration)
    escalations: Escalations = msgspec.field(default_factory=Escalations)
    reuse: ReuseEvidence = msgspec.field(default_factory=ReuseEvidence)
    gates: GateBook = msgspec.field(default_factory=GateBook)
    drift: DriftBook = msgspec.field(default_factory=DriftBook)
    sites: Sites = msgspec.field(default_factory=Sites)
    idle: Idle = msgspec.field(default_factory=Idle)
    late: Late = msgspec.field(default_factory=Late)
    layouts: Layouts = msgspec.field(default_factory=Layouts)
    arrangements: Arrangements = msgspec.field(default_factory=Arrangements)

    def merge(self, other: Evidence) -> None:
        """Add another process's evidence to this one's."""
        for name in _PARTS:
            mine: Any = getattr(self, name)
            mine.merge(getattr(other, name))

    def advance(self, earlier: Evidence, now: Evidence) -> None:
        """Add what a process has learnt since an earlier state of its own, in the parts that are kept (``growth``)."""
        for name in _PARTS:
            if self.keeps(name):
                mine: Any = getattr(self, name)
                mine.advance(getattr(earlier, name), getattr(now, name))

    def advancing(self, earlier: Evidence, now: Evidence) -> Iterator[None]:
        """The same, a little at a time; other learning may go on between two steps."""
        for name in _PARTS:
            if self.keeps(name):
                yield from steps_of(getattr(self, name), getattr(earlier, name), getattr(now, name))

    def to_json(self) -> bytes:
        """The evidence as JSON; counts and hashes only, no prompt text."""
        parts = {name: getattr(self, name).to_builtins() for name in _PARTS}
        return msgspec.json.encode({"version": VERSION, **parts})

    def snapshot(self) -> dict[str, Callable[[], Any]]:
        """The parts that are kept across restarts as they are now, each a function that gives its plain JSON values.

        The functions may be called later and in another thread, and only they take long. Gates are kept for themselves.
        """
        plain = {name: getattr(self, name) for name in _PARTS if self.keeps(name) and name != "reuse"}
        found: dict[str, Callable[[], Any]] = {
            name: partial(_given, part.to_builtins()) for name, part in plain.items()
        }
        return {**found, "reuse": partial(_newest, self.reuse.copied())}

    def keeps(self, part: str) -> bool:
        """Whether a part of that name is kept across restarts here."""
        return part in _PARTS and part != "gates"

    def put(self, part: str, value: Any) -> None:
        """Put a part that ``to_builtins`` described in place of this one's; an error of any kind for anything else."""
        setattr(self, part, _PARTS[part].from_builtins(value))

    @classmethod
    def from_json(cls, data: bytes) -> Evidence:
        """The evidence that ``to_json`` wrote; a part that is missing starts empty.

        Raises:
            InputError: for bytes that are not such evidence, or of a later version.
        """
        try:
            value = msgspec.json.decode(data)
            if value["version"] > VERSION:
                raise InputError("this evidence was written by a later version of penstock")
            return cls(**{name: kind.from_builtins(value[name]) for name, kind in _PARTS.items() if name in value})
        except (msgspec.DecodeError, ValueError, TypeError, KeyError, AttributeError):
            raise InputError("not evidence that penstock wrote") from None


def difference(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Evidence, Evidence, list[str]]:
    """Two states that differ in some parts, for ``advancing``.

    Args:
        earlier: the parts that differ, by name, as their ``to_builtins`` gave them; one that is missing was empty.
        now: the same later.

    Returns:
        The states, and the names of parts that cannot be read; they differ in none of these.
    """
    states, broken = (Evidence(), Evidence()), []
    for part, value in now.items():
        if not states[0].keeps(part):
            continue
        kind, before = _PARTS[part], earlier.get(part)
        try:
            if part == "reuse" and before is not None:
                pair = kind.difference(before, value)
            else:
                pair = kind() if before is None else kind.from_builtins(before), kind.from_builtins(value)
        except Exception:  # noqa: BLE001 - whatever a broken part holds, the others are read
            broken.append(part)
            continue
        for state, one in zip(states, pair, strict=True):
            setattr(state, part, one)
    return *states, broken


def prior(*, asked: Evidence, answered: Evidence) -> Evidence:
    """What a process may begin with that saw none of the traffic itself.

    Args:
        asked: learnt from prompts as they would be sent; of it, call sites and how prompts come again.
        answered: learnt from answers as they were given; of it, lengths and token counts.
    """
    return Evidence(
        lengths=answered.lengths,
        calibration=answered.calibration,
        sites=asked.sites,
        reuse=asked.reuse.without_entries(),
    )


def _given(value: Any) -> Any:
    return value


def _newest(reuse: ReuseEvidence) -> Any:
    reuse.prefixes = reuse.prefixes.newest(KEPT_PREFIXES)
    return reuse.to_builtins()


_PARTS: dict[str, Any] = {
    "lengths": LengthTable,
    "calibration": Calibration,
    "escalations": Escalations,
    "reuse": ReuseEvidence,
    "gates": GateBook,
    "drift": DriftBook,
    "sites": Sites,
    "idle": Idle,
    "late": Late,
}
"""Attribute -> type, in the order of the JSON."""
