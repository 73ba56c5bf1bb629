"""How long answers are, per task and model: counts that merge by addition, and the bounds that a cap is made from.

A length is the billed output of one answer in tokens, reasoning included, because that is what a cap limits (T26). An
answer that was cut at a cap is a lower bound of the length it would have had, and is kept apart as censored (T27).

Lengths above 256 are kept to within 1 percent, rounded up, so that a histogram holds at most about 1,200 entries
whatever the traffic.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.evidence.binomial import share_at_least, tolerance_rank
from penstock.evidence.growth import grown, through
from penstock.unknown import Unknown

_EXACT_TO = 256
_STEP = math.log(1.01)


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


class Lengths:
    """Observed output lengths of one key.

    Attributes:
        whole: length in tokens -> answers that ended by themselves.
        cut: length in tokens -> answers that were cut at that length.
        whole_count: answers in ``whole``.
        cut_count: answers in ``cut``.
        ours: answers sent under a cap of ours.
        ours_cut: of those, the ones that were cut.
    """

    __slots__ = ("_bounds", "_tokens", "cut", "cut_count", "ours", "ours_cut", "whole", "whole_count")

    def __init__(
        self,
        whole: Mapping[int, int] | None = None,
        cut: Mapping[int, int] | None = None,
        ours: int = 0,
        ours_cut: int = 0,
    ) -> None:
        self.whole, self.cut = dict(whole or {}), dict(cut or {})
        self.ours, self.ours_cut = ours, ours_cut
        self.whole_count, self.cut_count = sum(self.whole.values()), sum(self.cut.values())
        self._tokens = sum(length * n for counts in (self.whole, self.cut) for length, n in counts.items())
        self._bounds: dict[tuple[float, float], tuple[int, int, Bound | Unknown]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lengths) and self.to_builtins() == other.to_builtins()

    def __repr__(self) -> str:
        return f"Lengths(whole={self.whole}, cut={self.cut}, ours={self.ours}, ours_cut={self.ours_cut})"

    __hash__ = None  # type: ignore[assignment]  # it changes, so it has no hash

    def add(self, tokens: int, *, cut: bool = False, ours: bool = False) -> None:
        """Count one answer of ``tokens`` billed output tokens."""
        counts = self.cut if cut else self.whole
        length = rounded_up(tokens)
        counts[length] = counts.get(length, 0) + 1
        self.cut_count += cut
        self.whole_count += not cut
        self._tokens += length
        self.ours += ours
        self.ours_cut += ours and cut

    def asked_again(self) -> None:
        """Count an answer that a cap of ours cut and that was asked for again; its length is that of the second try."""
        self.ours += 1
        self.ours_cut += 1

    def merge(self, other: Lengths) -> None:
        """Add another histogram's counts to this one's."""
        for mine, theirs in ((self.whole, other.whole), (self.cut, other.cut)):
            for length, count in theirs.items():
                mine[length] = mine.get(length, 0) + count
        self.ours += other.ours
        self.ours_cut += other.ours_cut
        self.whole_count += other.whole_count
        self.cut_count += other.cut_count
        self._tokens += other._tokens

    def advance(self, earlier: Lengths, now: Lengths) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        for mine, before, after in ((self.whole, earlier.whole, now.whole), (self.cut, earlier.cut, now.cut)):
            for length, count in after.items():
                mine[length] = grown(mine.get(length, 0), before.get(length, 0), count)
        self.ours = grown(self.ours, earlier.ours, now.ours)
        self.ours_cut = grown(self.ours_cut, earlier.ours_cut, now.ours_cut)
        self.whole_count = grown(self.whole_count, earlier.whole_count, now.whole_count)
        self.cut_count = grown(self.cut_count, earlier.cut_count, now.cut_count)
        self._tokens = grown(self._tokens, earlier._tokens, now._tokens)

    @property
    def count(self) -> int:
        """All answers, cut ones included."""
        return self.whole_count + self.cut_count

    @property
    def mean(self) -> float | Unknown:
        """The mean length; cut answers count with the length they reached, so that with them it is a lower bound."""
        if self.count == 0:
            return Unknown("no answer of this task and model was seen")
        return self._tokens / self.count

    def upper_bound(self, share: float = 0.01, delta: float = 0.05) -> Bound | Unknown:
        """The length that all but ``share`` of answers stay within, with confidence 1 - delta.

        The order-statistic rule of statistics 4 on the Kaplan-Meier distribution: the weight of each cut answer is
        moved to the longer ones, and the ranks are those of the answers that were seen to their end. Without cut
        answers it is exactly the order statistic. A bound is kept until 2 percent more answers were seen, or another
        was cut.
        """
        known = self._bounds.get((share, delta))
        if known is not None and known[1] == self.cut_count and known[0] <= self.whole_count <= known[0] * 1.02:
            return known[2]
        bound = self._upper_bound(share, delta)
        self._bounds[(share, delta)] = (self.whole_count, self.cut_count, bound)
        return bound

    def _upper_bound(self, share: float, delta: float) -> Bound | Unknown:
        whole = self.whole_count
        rank = tolerance_rank(whole, share, delta)
        if rank is None:
            return Unknown(f"{whole} whole answers are too few to bound all but {share:.0%} of lengths")
        reached = 0.0
        for length, weight in kaplan_meier(self.whole, self.cut):
            reached += weight
            if reached * whole >= rank - 1e-9:
                return Bound(tokens=length, answers=whole, cut=self.cut_count, rank=rank, share=share)
        return Unknown(f"{self.cut_count} of {self.count} answers were cut, so that the longest are not known")

    def too_often_cut(self, share: float, delta: float = 0.05) -> bool:
        """Whether caps of ours cut more than ``share`` of answers, with confidence 1 - delta."""
        return self.ours_cut > 0 and share_at_least(self.ours_cut, self.ours, delta) > share

    def to_builtins(self) -> Any:
        """Plain lists and numbers for JSON."""
        return [sorted(self.whole.items()), sorted(self.cut.items()), self.ours, self.ours_cut]

    @classmethod
    def from_builtins(cls, value: Any) -> Lengths:
        """The histogram that ``to_builtins`` described; ValueError or a subclass for anything else."""
        whole, cut, ours, ours_cut = value
        return cls({int(a): int(n) for a, n in whole}, {int(a): int(n) for a, n in cut}, int(ours), int(ours_cut))


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

    def asked_again(self, key: LengthKey) -> None:
        """Count an answer that a cap of ours cut and that was asked for again."""
        lengths = self._open(key)
        if lengths is not None:
            lengths.asked_again()

    def merge(self, other: LengthTable) -> None:
        """Add another table's counts to this one's."""
        for key, theirs in other.by_key.items():
            mine = self._open(key)
            if mine is not None:
                mine.merge(theirs)
        self.untracked += other.untracked

    def advance(self, earlier: LengthTable, now: LengthTable) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        through(self.advancing(earlier, now))

    def advancing(self, earlier: LengthTable, now: LengthTable) -> Iterator[None]:
        """The same, a key at a time."""
        nothing = Lengths()
        for key, lengths in now.by_key.items():
            yield
            before = earlier.by_key.get(key, nothing)
            if lengths.count == before.count and lengths.ours == before.ours and key in self.by_key:
                continue
            mine = self._open(key)
            if mine is not None:
                mine.advance(before, lengths)
        self.untracked = grown(self.untracked, earlier.untracked, now.untracked)

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
        rows = [[k.task, k.model, k.effort, *one.to_builtins()] for k, one in sorted(self.by_key.items())]
        return {"rows": rows, "untracked": self.untracked}

    @classmethod
    def from_builtins(cls, value: Any) -> LengthTable:
        """The table that ``to_builtins`` described; ValueError or a subclass for anything else."""
        table = cls(untracked=int(value["untracked"]))
        for task, model, effort, *lengths in value["rows"]:
            table.by_key[LengthKey(task, model, effort)] = Lengths.from_builtins(lengths)
        return table
