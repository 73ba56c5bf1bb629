"""What ``/metrics`` shows: counters and histograms in Prometheus' text format. The names are in ``telemetry.names``."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from penstock.engine.record import Call
from penstock.ledger.by_lever import SavedBy
from penstock.money import PICO_PER_USD
from penstock.telemetry.names import (
    ADDED,
    CALLS,
    COST_USD,
    DURATION,
    EDITS_BY_LEVER,
    FAILED_OPEN,
    FIRST_TOKEN,
    HELP,
    LABELS,
    MODEL_LABELS,
    SAVED_BY_LEVER,
    SAVED_USD,
    STOOD_DOWN,
    TOKENS,
    UNKNOWN_COST,
)

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of the histograms, seconds."""

FINE_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, *BOUNDS[:9])
"""Those of what the gateway adds."""

MOST_SERIES = 2000
"""Label sets of one metric; further ones are counted under ``other``."""

_MONEY = (COST_USD, SAVED_USD, SAVED_BY_LEVER)

Labels = tuple[tuple[str, str], ...]
Gauge = tuple[str, Labels, float]


class _Histogram:
    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = BOUNDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


_TOKEN_KINDS = ("input", "cache_read", "cache_write", "output")


class _Sums:
    """What the calls of one operation, provider and model add up to."""

    __slots__ = ("cost", "duration", "first_token", "saved", "tokens", "unknown")

    def __init__(self) -> None:
        self.tokens = [0] * len(_TOKEN_KINDS)
        self.cost = self.saved = self.unknown = 0
        self.duration: _Histogram | None = None
        self.first_token: _Histogram | None = None

    def add(self, call: Call) -> None:
        usage = call.usage
        if usage is not None:
            counts = (usage.input_uncached, usage.cache_read, usage.cache_write, usage.output)
            for index, count in enumerate(counts):
                if count > 0:
                    self.tokens[index] += count
        cost = call.cost_all
        if cost is None:
            self.unknown += 1
        else:
            self.cost += cost
            if call.cost_before is not None:
                self.saved += call.cost_before - cost
        if call.latency_ms is not None:
            if self.duration is None:
                self.duration = _Histogram()
            self.duration.add(call.latency_ms / 1000)
        if call.ttft_ms is not None:
            if self.first_token is None:
                self.first_token = _Histogram()
            self.first_token.add(call.ttft_ms / 1000)

    def counters(self, model: Labels) -> Iterator[tuple[str, Labels, int]]:
        for kind, count in zip(_TOKEN_KINDS, self.tokens, strict=True):
            yield TOKENS, (*model, ("gen_ai_token_type", kind)), count
        yield COST_USD, model, self.cost
        yield SAVED_USD, model, self.saved
        yield UNKNOWN_COST, model, self.unknown


class Metrics:
    """The counters of a process. Money is kept in picodollars and shown in dollars."""

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, int]] = {}
        self._sums: dict[tuple[str, str, str], _Sums] = {}
        self._calls: dict[tuple[str, str, str, int | None], int] = {}
        self._added: dict[str, _Histogram] = {}
        self._saved = SavedBy()

    def added(self, part: str, seconds: float) -> None:
        """Count what the gateway added to a call (``gateway.added``)."""
        histogram = self._added.get(part)
        if histogram is None:
            histogram = self._added[part] = _Histogram(FINE_BOUNDS)
        histogram.add(seconds)

    def heard(self, call: Call) -> None:
        """Count a finished call."""
        self._count_call(call)
        model = (call.operation, call.provider, call.model_sent)
        sums = self._sums.get(model)
        if sums is None:
            if len(self._sums) >= MOST_SERIES:
                model = ("other", "other", "other")
            sums = self._sums.setdefault(model, _Sums())
        sums.add(call)
        if call.arm == "treated":
            self._saved.add(call)
            for edit in call.edits:
                self.count(EDITS_BY_LEVER, (("lever", edit.lever),))
        for note in call.notes:
            self.count(STOOD_DOWN, (("lever", note.lever), ("did", note.did)))

    def count(self, name: str, labels: Labels = (), amount: int = 1) -> None:
        """Add to a counter."""
        series = self._counters.setdefault(name, {})
        if labels not in series and len(series) >= MOST_SERIES:
            labels = tuple((key, "other") for key, _ in labels)
        series[labels] = series.get(labels, 0) + amount

    def text(self, gauges: Iterable[Gauge] = (), failures: Mapping[str, int] | None = None) -> str:
        """The page in Prometheus' text format.

        Args:
            gauges: what is read at this moment: name, labels and value.
            failures: the engine's, by name.
        """
        return "\n".join(self._lines(list(gauges), failures or {})) + "\n"

    def _lines(self, gauges: list[Gauge], failures: Mapping[str, int]) -> Iterator[str]:
        counters = {name: dict(series) for name, series in self._counters.items()}
        counters[CALLS] = {
            tuple(zip(LABELS[CALLS], (task, model, arm, str(status or "none")), strict=True)): count
            for (task, model, arm, status), count in self._calls.items()
        }
        histograms: dict[str, dict[Labels, _Histogram]] = {}
        if self._added:
            histograms[ADDED] = {(("part", part),): one for part, one in self._added.items()}
        for model, sums in self._sums.items():
            labels = tuple(zip(MODEL_LABELS, model, strict=True))
            for name, places, count in sums.counters(labels):
                if count:
                    counters.setdefault(name, {})[places] = count
            for name, histogram in ((DURATION, sums.duration), (FIRST_TOKEN, sums.first_token)):
                if histogram is not None:
                    histograms.setdefault(name, {})[labels] = histogram
        counters[SAVED_BY_LEVER] = {(("lever", lever),): saved for lever, saved in self._saved.by_lever.items()}
        counters[FAILED_OPEN] = {(("fault", name),): count for name, count in failures.items()}
        for name, (kind, text) in HELP.items():
            shown = [gauge for gauge in gauges if gauge[0] == name]
            if not (shown or counters.get(name) or name in histograms):
                continue
            yield f"# HELP {name} {text}"
            yield f"# TYPE {name} {kind}"
            for labels, count in counters.get(name, {}).items():
                yield f"{name}{_labels(labels)} {count / PICO_PER_USD if name in _MONEY else count}"
            for _, labels, value in shown:
                yield f"{name}{_labels(labels)} {value}"
            for labels, histogram in histograms.get(name, {}).items():
                yield from _histogram(name, labels, histogram)

    def _count_call(self, call: Call) -> None:
        key = (call.task, call.model_sent, call.arm, call.status)
        if key not in self._calls and len(self._calls) >= MOST_SERIES:
            key = ("other", "other", call.arm, call.status)
        self._calls[key] = self._calls.get(key, 0) + 1


def _histogram(name: str, labels: Labels, histogram: _Histogram) -> Iterator[str]:
    running = 0
    for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
        running += count
        yield f"{name}_bucket{_labels((*labels, ('le', str(bound))))} {running}"
    yield f"{name}_sum{_labels(labels)} {histogram.total}"
    yield f"{name}_count{_labels(labels)} {running}"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{key}="{_escaped(value)}"' for key, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
