"""The first page: the bill before and after, saving by lever over time, the proof, and what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from penstock.audit.proof_words import Sentence, caution_sentences, proof_sentences
from penstock.audit.realised import Realised, realised
from penstock.dashboard.chart import Chart, chart_of, step_of
from penstock.engine.labels import SIMULATED
from penstock.engine.record import Call
from penstock.engine.standing_down import StandDowns, StoodDown
from penstock.ledger.by_lever import UNASSIGNED, SavedBy
from penstock.ledger.caching import Raised, cache_figures
from penstock.ledger.sqlite import Ledger, Total

MOST_CALLS = 50_000
"""Records that a page reads at most; sums of money are over all calls of the period all the same."""

_STAND_DOWNS, _ALARMS = 8, 5
_DAY_S = 86_400.0


class Period(StrEnum):
    """How far back from the newest call a page looks."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"

    def since(self, last: float) -> float | None:
        """The start, inclusive, seconds since the epoch; None for everything."""
        days = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 30}.get(self)
        return None if days is None else last - days * _DAY_S


class Promised(msgspec.Struct):
    """What plans that were not carried out were expected to save.

    Attributes:
        calls: observed calls with an edit.
        saving: picodollars, where known.
        unknown: edits whose saving is not known; they are in no sum.
    """

    calls: int = 0
    saving: int = 0
    unknown: int = 0

    def add(self, call: Call) -> None:
        """Count one call."""
        if call.arm != "observe" or not call.edits:
            return
        self.calls += 1
        self.saving += sum(edit.saving or 0 for edit in call.edits)
        self.unknown += sum(edit.saving is None for edit in call.edits)


class Counts(msgspec.Struct):
    """What is counted over the records that were read.

    Attributes:
        calls: how many.
        arms: calls by arm.
        errors: calls of callers without a 2xx answer.
        no_usage: answered calls of which no usage was reported.
        prompt: prompt tokens; read: of them, read from a cache; written: put into one.
        failed_open: levers that raised, by name and error.
        simulated: calls whose tag says that their answers are simulated.
    """

    calls: int = 0
    arms: Counter[str] = msgspec.field(default_factory=Counter)
    errors: int = 0
    no_usage: int = 0
    prompt: int = 0
    read: int = 0
    written: int = 0
    failed_open: Counter[str] = msgspec.field(default_factory=Counter)
    simulated: int = 0

    @property
    def read_share(self) -> float | None:
        """Of the prompt tokens; None when none were reported."""
        return self.read / self.prompt if self.prompt else None

    def add(self, call: Call) -> None:
        """Count one call."""
        answered = call.status is not None and 200 <= call.status < 300  # noqa: PLR2004 - HTTP
        self.calls += 1
        self.arms[call.arm] += 1
        self.errors += not answered and call.arm != "own"
        self.failed_open.update(call.failures)
        self.simulated += SIMULATED in call.tags
        if call.usage is None:
            self.no_usage += answered
        else:
            self.prompt += call.usage.input_total
            self.read += call.usage.cache_read
            self.written += call.usage.cache_write


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The page.

    Attributes:
        period: that was asked for.
        first: start of its first call, seconds since the epoch; last: of its last one.
        total: over all calls of the period.
        counts: over the records read.
        saved: over the treated ones.
        promised: over the observed ones.
        levers: in the order of the chart, the largest saving first.
        chart: of the saving; None where there is none.
        proof: what the holdback shows, one sentence each, with what makes it less sure.
        proven: whether there was enough to say.
        alarms: the newest ones; alarmed: how many there are.
        stood_down: the most frequent ones; more: how many more there are.
    """

    period: Period
    first: float
    last: float
    total: Total
    counts: Counts
    saved: SavedBy
    promised: Promised
    levers: tuple[str, ...]
    chart: Chart | None
    proof: tuple[Sentence, ...]
    alarms: tuple[Raised, ...]
    alarmed: int
    stood_down: tuple[StoodDown, ...]
    more: int


def overview(ledger: Ledger, period: Period = Period.ALL) -> Overview | None:
    """The page's figures; None for a ledger without calls."""
    span = ledger.span()
    if span is None:
        return None
    since = period.since(span[1])
    first = span[0] if since is None else max(span[0], since)
    step = step_of(span[1] - first)
    bars: dict[int, SavedBy] = {}
    counts, promised, notes = Counts(), Promised(), StandDowns()

    def counted(calls: Iterable[Call]) -> Iterator[Call]:
        for call in calls:
            counts.add(call)
            promised.add(call)
            notes.add(call.task, call.notes, call.started_at)
            bars.setdefault(int(call.started_at // step), SavedBy()).add(call)
            yield call

    # A page is looked at again and again: only an interval for all times together stays honest then.
    result = realised(counted(ledger.calls(since=since, newest=MOST_CALLS)), anytime=True)
    saved = _merged(bars.values())
    levers = tuple(sorted(saved.by_lever, key=lambda lever: (lever == UNASSIGNED, -saved.by_lever[lever])))
    alarms = [one for one in cache_figures(ledger.alarmed()).alarms if since is None or one.at >= since]
    ranked = sorted(notes.ranked(), key=lambda one: -one.calls)
    return Overview(
        period=period,
        first=first,
        last=span[1],
        total=ledger.totals(since=since)[0],
        counts=counts,
        saved=saved,
        promised=promised,
        levers=levers,
        chart=chart_of(bars, step, levers),
        proof=tuple(_proof(result, counts)),
        alarms=tuple(reversed(alarms[-_ALARMS:])),
        alarmed=len(alarms),
        stood_down=tuple(ranked[:_STAND_DOWNS]),
        more=max(0, len(ranked) - _STAND_DOWNS),
    )


def _proof(result: Realised, counts: Counts) -> Iterator[Sentence]:
    """Nothing where nobody was held back: there is nothing to compare."""
    if counts.arms["treated"] and counts.arms["holdback"]:
        yield from proof_sentences(result)
        yield from caution_sentences(result)


def _merged(sums: Iterable[SavedBy]) -> SavedBy:
    whole = SavedBy()
    for one in sums:
        whole.calls += one.calls
        whole.before += one.before
        whole.after += one.after
        whole.unknown += one.unknown
        for lever, amount in one.by_lever.items():
            whole.by_lever[lever] = whole.by_lever.get(lever, 0) + amount
    return whole
