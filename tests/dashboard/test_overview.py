from __future__ import annotations

from pathlib import Path

import pytest

from penstock.dashboard import overview as module
from penstock.dashboard.overview import Overview, Period, overview
from penstock.engine.record import Call
from penstock.ledger.sqlite import open_ledger
from tests.audit.test_realised import traffic
from tests.dashboard.ledgers import ALARM, ARITHMETIC, mixed
from tests.ledger.calls import call


def shown(calls: list[Call], period: Period = Period.ALL) -> Overview:
    with open_ledger(":memory:") as ledger:
        ledger.append(calls)
        found = overview(ledger, period)
    assert found is not None
    return found


def test_a_ledger_without_calls_has_no_figures() -> None:
    with open_ledger(":memory:") as ledger:
        assert overview(ledger) is None


def test_the_bill_is_exact_and_what_is_unknown_is_in_no_sum() -> None:
    found = shown(mixed())
    assert (found.total.calls, found.total.unknown) == (7, 2)
    assert found.total.saved == 3_000_000_000_000 - 1_234_567_890_123 + 4 * (9 - 7) - 1
    assert (found.saved.calls, found.saved.unknown) == (4, 2)
    assert sum(found.saved.by_lever.values()) == found.saved.saving
    assert (found.counts.errors, found.counts.no_usage, found.counts.simulated) == (1, 1, 1)


def test_levers_come_largest_first_and_what_none_made_last() -> None:
    found = shown(mixed())
    assert found.levers == ("route", "cache", "no edit")
    assert found.chart is not None
    assert {block.lever for block in found.chart.blocks} == {"route", "cache", "no edit"}


def test_what_observed_plans_would_save_is_a_figure_of_its_own() -> None:
    found = shown(mixed())
    assert (found.promised.calls, found.promised.saving, found.promised.unknown) == (1, 40, 1)


def test_alarms_failures_and_stand_downs_are_in_sight() -> None:
    found = shown(mixed())
    assert [(one.call, one.why) for one in found.alarms] == [("call_0007", ALARM)]
    assert dict(found.counts.failed_open) == {"trim: KeyError": 1}
    assert [one.why for one in found.stood_down] == [ARITHMETIC]


def test_a_period_goes_back_from_the_newest_call() -> None:
    day = 86_400.0
    calls = [call(number, started_at=number * day) for number in (1, 39, 40)]
    calls[0].alarm = "long ago"
    assert [shown(calls, period).total.calls for period in (Period.DAY, Period.MONTH, Period.ALL)] == [2, 2, 3]
    assert shown(calls, Period.DAY).first == 39 * day
    assert (shown(calls, Period.WEEK).alarmed, shown(calls).alarmed) == (0, 1)


def test_the_proof_holds_at_all_times_and_is_silent_without_a_holdback() -> None:
    first, *_ = shown(list(traffic())).proof
    assert first.text.startswith("Realised saving ")
    assert "95% at all times" in first.text
    assert first.tone == "result"
    few, *_ = shown([call(1, arm="treated"), call(2, arm="holdback")]).proof
    assert few.text.startswith("Not enough to say")
    assert shown([call(1, arm="treated"), call(2, arm="observe")]).proof == ()


def test_sums_of_money_are_over_all_calls_when_records_are_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CALLS", 2)
    found = shown([call(number) for number in range(5)])
    assert (found.total.calls, found.total.cost, found.counts.calls) == (5, 35, 2)


def test_a_record_of_our_own_requests_is_no_call_that_failed() -> None:
    assert shown([call(1, arm="own", status=None)]).counts.errors == 0
