"""How long answers are, per task and model: counts that merge by addition, and the bounds that a cap is made from.

A length is the billed output of one answer in tokens, reasoning included, because that is what a cap limits (T26). An
answer that was cut at a cap is a lower bound of the length it would have had, and is kept apart as censored (T27).

Lengths above 256 are kept to within 1 percent, rounded up, so that a histogram holds at most about 1,200 entries
whatever the traffic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.evidence.binomial import share_at_least, tolerance_rank
from penstock.unknown import Unknown

_EXACT_TO = 256
_STEP = math.log(1.01)
RUNAWAY = 4
"""An answer longer than this many times the bound is a runaway: its end was a limit, not the answer's own."""


class LengthKey(msgspec.Struct, frozen=True, order=True):
    """What lengths are comparable within (statistics 4).

    Attributes:
        task: the task's name or fingerprint.
        model: the model that answered.
        effort: reasoning effort or thinking mode as sent; empty when none was.
    """

    task: str
    model: str
    effort: str = ""


class Lengths(msgspec.Struct):
    """Observed output lengths of one key.

    Attributes:
        whole: length in tokens -> answers that ended by themselves.
        cut: length in tokens -> answers that were cut at that length.
        ours: of the answers sent under a cap of ours, how many there were.
        ours_cut: and how many of those were cut.
    """

    whole: dict[int, int] = msgspec.field(default_factory=dict)
    cut: dict[int, int] = msgspec.field(default_factory=dict)
    ours: int = 0
    ours_cut: int = 0

    def add(self, tokens: int, *, cut: bool = False, ours: bool = False) -> None:
        """Count one answer of ``tokens`` billed output tokens."""
        counts = self.cut if cut else self.whole
        length = rounded_up(tokens)
        counts[length] = counts.get(length, 0) + 1
        self.ours += ours
        self.ours_cut += ours and cut

    def merge(self, other: Lengths) -> None:
        """Add another histogram's counts to this one's."""
        for mine, theirs in ((self.whole, other.whole), (self.cut, other.cut)):
            for length, count in theirs.items():
                mine[length] = mine.get(length, 0) + count
        self.ours += other.ours
        self.ours_cut += other.ours_cut

    @property
    def count(self) -> int:
        """All answers, cut ones included."""
        return sum(self.whole.values()) + sum(self.cut.values())

    @property
    def mean(self) -> float | Unknown:
        """The mean length; cut answers count with the length they reached, so that with them it is a lower bound."""
        count = self.count
        if count == 0:
            return Unknown("no answer of this task and model was seen")
        total = sum(length * n for counts in (self.whole, self.cut) for length, n in counts.items())
        return total / count

    def upper_bound(self, share: float = 0.01, delta: float = 0.05) -> Bound | Unknown:
        """The length that all but ``share`` of answers stay within, with confidence 1 - delta.

        The order-statistic rule of statistics 4 on the Kaplan-Meier distribution: the weight of each cut answer is
        moved to the longer ones, and the ranks are those of the answers that were seen to their end. Without cut
        answers it is exactly the order statistic.
        """
        whole = sum(self.whole.values())
        rank = tolerance_rank(whole, share, delta)
        if rank is None:
            return Unknown(f"{whole} whole answers are too few to bound all but {share:.0%} of lengths")
        reached = 0.0
        for length, weight in kaplan_meier(self.whole, self.cut):
            reached += weight
            if reached * whole >= rank - 1e-9:
                return Bound(tokens=length, answers=whole, cut=sum(self.cut.values()), rank=rank, share=share)
        return Unknown(f"{sum(self.cut.values())} of {self.count} answers were cut, so that the longest are not known")

    def too_often_cut(self, share: float, delta: float = 0.05) -> bool:
        """Whether caps of ours cut more than ``share`` of answers, with confidence 1 - delta."""
        return share_at_least(self.ours_cut, self.ours, delta) > share


class Bound(msgspec.Struct, frozen=True):
    """An upper tolerance bound and what it rests on.

    Attributes:
        tokens: the bound.
        answers: whole answers behind it.
        cut: cut answers, whose weight was moved to the longer ones.
        rank: of the order statistic among ``answers``.
        share: of answers that may be longer.
    """

    tokens: int
    answers: int
    cut: int
    rank: int
    share: float


def rounded_up(tokens: int) -> int:
    """The histogram's entry for a length: itself up to 256, else the next of a scale of 1 percent steps."""
    if tokens <= _EXACT_TO:
        return max(tokens, 0)
    step = math.ceil(math.log(tokens / _EXACT_TO) / _STEP - 1e-9)
    length = math.ceil(_EXACT_TO * math.exp(step * _STEP) - 1e-6)
    return max(length, tokens)


def kaplan_meier(whole: Mapping[int, int], cut: Mapping[int, int]) -> list[tuple[int, float]]:
    """The Kaplan-Meier distribution of lengths as (length, probability), ascending.

    It sums to 1 unless the longest answers were cut. An answer
    cut at a length counts as at risk at that length: it was seen to be at least that long.
    """
    at_risk = sum(whole.values()) + sum(cut.values())
    surviving = 1.0
    steps: list[tuple[int, float]] = []
    for length in sorted({*whole, *cut}):
        ended = whole.get(length, 0)
        if ended:
            weight = surviving * ended / at_risk
            steps.append((length, weight))
            surviving -= weight
        at_risk -= ended + cut.get(length, 0)
    return steps


class LengthTable(msgspec.Struct):
    """Lengths by key, bounded: past ``limit`` keys, new ones are counted in ``untracked`` and not kept."""

    by_key: dict[LengthKey, Lengths] = msgspec.field(default_factory=dict)
    untracked: int = 0
    limit: int = 20_000

    def of(self, key: LengthKey) -> Lengths | None:
        """The lengths of a key, or None when none was seen."""
        return self.by_key.get(key)

    def add(self, key: LengthKey, tokens: int, *, cut: bool = False, ours: bool = False) -> None:
        """Count one answer."""
        lengths = self._open(key)
        if lengths is not None:
            lengths.add(tokens, cut=cut, ours=ours)

    def merge(self, other: LengthTable) -> None:
        """Add another table's counts to this one's."""
        for key, theirs in other.by_key.items():
            mine = self._open(key)
            if mine is not None:
                mine.merge(theirs)
        self.untracked += other.untracked

    def _open(self, key: LengthKey) -> Lengths | None:
        lengths = self.by_key.get(key)
        if lengths is None:
            if len(self.by_key) >= self.limit:
                self.untracked += 1
                return None
            lengths = self.by_key[key] = Lengths()
        return lengths

    def to_builtins(self) -> Any:
        """Plain lists and numbers for JSON."""
        rows = [
            [
                key.task,
                key.model,
                key.effort,
                sorted(one.whole.items()),
                sorted(one.cut.items()),
                one.ours,
                one.ours_cut,
            ]
            for key, one in sorted(self.by_key.items())
        ]
        return {"rows": rows, "untracked": self.untracked}

    @classmethod
    def from_builtins(cls, value: Any) -> LengthTable:
        """The table that ``to_builtins`` described; ValueError or a subclass for anything else."""
        table = cls(untracked=int(value["untracked"]))
        for task, model, effort, whole, cut, ours, ours_cut in value["rows"]:
            lengths = Lengths({int(a): int(n) for a, n in whole}, {int(a): int(n) for a, n in cut}, ours, ours_cut)
            table.by_key[LengthKey(task, model, effort)] = lengths
        return table
