"""Does the provider still behave like the cache model? Counted on every call, with an alarm that stands us down.

Per task and model the sums of `evidence.reconcile`; per model a detector on each kind of promise. While a provider
keeps at least the given share of what the rules promise, the mean number of promises to a false alarm is at least
``RUN_LENGTH`` (`evidence.detector`); a rule that no longer holds at all is found within a handful of calls. Where
nothing is promised (OpenAI before gpt-5.6) calls are counted and nothing is judged.

At an alarm the cache lever leaves the model alone for an hour, then for two, four, and so on up to a day; after each
the detectors start afresh, so a provider that behaves again is believed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from typing import Any, Literal, NamedTuple

import msgspec

from penstock.evidence.detector import DropDetector
from penstock.evidence.growth import through
from penstock.evidence.reconcile import Compared, Reconciled

RUN_LENGTH = 10_000.0
"""Promises to a false alarm, on average, at the least."""
OTHER = "other"
"""What tasks and models beyond the first thousands are counted under."""

_FIRST_PAUSE_S = 3600.0
_LAST_PAUSE_S = 86_400.0
_MOST = 10_000
_MOST_MODELS = 200
_MOST_WORDS = 50


Kind = Literal["read", "cached"]
"""Which promise: ``read`` (what was written can be read) or ``cached`` (what is marked is written or read)."""
_KINDS: tuple[Kind, ...] = ("read", "cached")


class Alarm(NamedTuple):
    """A provider stopped behaving like the cache model.

    Attributes:
        model: on which model.
        kind: which promise was broken.
        at: seconds since the epoch.
        why: one line with the arithmetic, without prompt text.
    """

    model: str
    kind: Kind
    at: float
    why: str


class Watch(msgspec.Struct):
    """The detectors of one model.

    Attributes:
        baseline: the share of promises that should be kept.
        read, cached: since the last start.
        kept, promised: promises since the last start, by kind, in the order ``read``, ``cached``.
        alarms: since ever.
        alarmed_at: when the latest alarm came, seconds since the epoch, or None.
        why: its arithmetic.
        said: of the broken promises since the last start, how many the provider's cache diagnostics explained with
            which word.
    """

    baseline: float
    read: DropDetector
    cached: DropDetector
    kept: tuple[int, int] = (0, 0)
    promised: tuple[int, int] = (0, 0)
    alarms: int = 0
    alarmed_at: float | None = None
    why: str = ""
    said: dict[str, int] = msgspec.field(default_factory=dict)

    @classmethod
    def start(cls, baseline: float) -> Watch:
        """A watch that has seen nothing."""
        return cls(baseline=baseline, read=DropDetector(baseline=baseline), cached=DropDetector(baseline=baseline))

    @property
    def until(self) -> float:
        """When the stand-down of the latest alarm ends, seconds since the epoch; 0 without one."""
        if self.alarmed_at is None:
            return 0.0
        return self.alarmed_at + min(_FIRST_PAUSE_S * 2.0 ** (self.alarms - 1), _LAST_PAUSE_S)

    def observe(self, model: str, one: Compared, at: float, said: str = "") -> Alarm | None:
        """Count one call; the alarm that it raises, or None. While stood down nothing is judged."""
        if self.alarmed_at is not None:
            if at < self.until:
                return None
            self._restart()
        if said and one.broken and (said in self.said or len(self.said) < _MOST_WORDS):
            self.said[said] = self.said.get(said, 0) + 1
        alarm = None
        for index, (kind, kept) in enumerate(zip(_KINDS, (one.read_kept, one.cached_kept), strict=True)):
            if kept is None:
                continue
            detector: DropDetector = getattr(self, kind)
            detector.observe(float(kept))
            self.promised = _plus(self.promised, index, 1)
            self.kept = _plus(self.kept, index, int(kept))
            if alarm is None and detector.value >= RUN_LENGTH:
                alarm = self._alarm(model, kind, index, at)
        return alarm

    def _alarm(self, model: str, kind: Kind, index: int, at: float) -> Alarm:
        self.alarms += 1
        self.alarmed_at = at
        said = "were read" if kind == "read" else "were read or written"
        self.why = (
            f"the provider does not behave like the cache model on {model}: of {self.promised[index]:,} calls whose "
            f"prefix should have been {'read' if kind == 'read' else 'cached'}, {self.kept[index]:,} {said}, and "
            f"lately fewer than {self.baseline:.0%} (evidence {RUN_LENGTH:,.0f} to 1){explained(self.said)}; "
            f"tries again after {(self.until - at) / 3600:g} h"
        )
        return Alarm(model, kind, at, self.why)

    def _restart(self) -> None:
        self.read = DropDetector(baseline=self.baseline)
        self.cached = DropDetector(baseline=self.baseline)
        self.kept = self.promised = (0, 0)
        self.said = {}
        self.alarmed_at = None

    def merge(self, other: Watch) -> None:
        """Add another process's watch of the same model; the later alarm counts. Other baselines are passed over."""
        if self.baseline != other.baseline:
            return
        self.read, self.cached = self.read.merge(other.read), self.cached.merge(other.cached)
        self.kept = (self.kept[0] + other.kept[0], self.kept[1] + other.kept[1])
        self.promised = (self.promised[0] + other.promised[0], self.promised[1] + other.promised[1])
        for word, count in other.said.items():
            self.said[word] = self.said.get(word, 0) + count
        self.alarms = max(self.alarms, other.alarms)
        if (other.alarmed_at or 0.0) > (self.alarmed_at or 0.0):
            self.alarmed_at, self.why = other.alarmed_at, other.why


def _weight(watch: Watch) -> tuple[float, int]:
    return watch.alarmed_at or 0.0, sum(watch.promised)


def explained(said: Mapping[str, int]) -> str:
    """What the provider's diagnostics gave as reasons, the most frequent first, as a clause; empty without any."""
    if not said:
        return ""
    listed = sorted(said.items(), key=lambda item: (-item[1], item[0]))
    return "; its own diagnostics say " + ", ".join(f"{word} ({count:,})" for word, count in listed)


def _plus(pair: tuple[int, int], index: int, amount: int) -> tuple[int, int]:
    return (pair[0] + amount, pair[1]) if index == 0 else (pair[0], pair[1] + amount)


class DriftBook(msgspec.Struct, eq=False):
    """Reconciliation of every call, and the watch of every model.

    Attributes:
        sums: by task and model; after 10,000 pairs further ones are counted under ``other``.
        watches: by model.
        elsewhere: what of the sums other processes have counted, by model; neither stored nor compared.
    """

    sums: dict[tuple[str, str], Reconciled] = msgspec.field(default_factory=dict)
    watches: dict[str, Watch] = msgspec.field(default_factory=dict)
    elsewhere: dict[str, Reconciled] = msgspec.field(default_factory=dict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DriftBook) and (self.sums, self.watches) == (other.sums, other.watches)

    __hash__ = None  # type: ignore[assignment]  # it changes, so it has no hash

    def observe(
        self, task: str, model: str, one: Compared, at: float, *, kept: float | None, said: str = ""
    ) -> Alarm | None:
        """Count one call of a task; the alarm that it raises, or None.

        Args:
            task: name or fingerprint.
            model: as the model catalogue names it.
            one: the comparison.
            at: when the call started, seconds since the epoch.
            kept: the share of promises that the provider should keep, in (0, 1); None where it promises nothing.
            said: the provider's own word on the prompt's reuse; empty where it did not say.
        """
        key = (task, model)
        if key not in self.sums and len(self.sums) >= _MOST:
            key = (OTHER, OTHER)
        self.sums.setdefault(key, Reconciled()).add(one)
        if kept is None:
            return None
        watch = self.watches.get(model)
        if watch is None:
            if len(self.watches) >= _MOST_MODELS:
                return None
            watch = self.watches[model] = Watch.start(kept)
        return watch.observe(model, one, at, said)

    def standing(self, model: str, now: float) -> str | None:
        """Why the cache lever leaves a model alone now, or None when it need not."""
        watch = self.watches.get(model)
        return watch.why if watch is not None and now < watch.until else None

    def merge(self, other: DriftBook) -> None:
        """Add another process's book to this one."""
        for key, sums in other.sums.items():
            self._add(key, Reconciled(), sums)
        for model, watch in other.watches.items():
            self.watches.setdefault(model, Watch.start(watch.baseline)).merge(watch)

    def advance(self, earlier: DriftBook, now: DriftBook) -> None:
        """Add what was counted since an earlier state (``evidence.growth``).

        A watch is no sum: where two processes watched a model, the one with the later alarm stands, else the one that
        saw more promises. Both keep their word on false alarms, and neither borrows from the other.
        """
        through(self.advancing(earlier, now))

    def advancing(self, earlier: DriftBook, now: DriftBook) -> Iterator[None]:
        """The same, a task and model at a time."""
        for key, sums in now.sums.items():
            self._add(key, earlier.sums.get(key, Reconciled()), sums)
            yield
        for model, watch in now.watches.items():
            before, mine = earlier.watches.get(model), self.watches.get(model)
            if watch == before and mine is not None:
                continue
            if mine is None or mine == before or _weight(watch) >= _weight(mine):
                self.watches[model] = deepcopy(watch)

    def _add(self, key: tuple[str, str], earlier: Reconciled, now: Reconciled) -> None:
        """Add what another process has counted."""
        mine = self.sums.setdefault(key, Reconciled())
        before = copy(mine)
        mine.advance(earlier, now)
        self.elsewhere.setdefault(key[1], Reconciled()).advance(before, mine)

    def own(self) -> dict[str, Reconciled]:
        """What this process has counted itself, over all tasks, by model."""
        found: dict[str, Reconciled] = {}
        for (_, model), sums in sorted(self.sums.items()):
            found.setdefault(model, Reconciled()).merge(sums)
        return {model: sums.less(self.elsewhere.get(model, Reconciled())) for model, sums in found.items()}

    def to_builtins(self) -> Any:
        """Plain JSON values."""
        return {
            "sums": [[*key, sums.to_builtins()] for key, sums in sorted(self.sums.items())],
            "watches": {model: msgspec.to_builtins(watch) for model, watch in sorted(self.watches.items())},
        }

    @classmethod
    def from_builtins(cls, value: Any) -> DriftBook:
        """The book that ``to_builtins`` described; ValueError or a subclass for anything else."""
        book = cls(watches=msgspec.convert(value["watches"], dict[str, Watch]))
        for task, model, sums in value["sums"]:
            book._add((str(task), str(model)), Reconciled(), Reconciled(*map(int, sums)))
        return book
