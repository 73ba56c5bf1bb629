from __future__ import annotations

import io

from penstock.evidence.drift import DriftBook
from penstock.evidence.reconcile import Compared
from penstock.gateway.drift import alarm_log, drift_gauges
from penstock.gateway.logs import Log
from penstock.gateway.metrics import Metrics
from penstock.telemetry.names import HELP, LABELS
from tests.ledger.calls import call

KEPT = Compared(9000, 500, 8990, 510, read_kept=True, cached_kept=True)
BROKEN = Compared(9000, 500, 0, 9500, read_kept=False, cached_kept=True)


def _book() -> DriftBook:
    book = DriftBook()
    book.observe("t", "m", KEPT, 1.0, kept=0.9)
    book.observe("u", "m", BROKEN, 1.0, kept=0.9)
    return book


def test_promises_and_tokens_are_shown_by_model_over_all_tasks() -> None:
    page = Metrics().text(drift_gauges(_book(), 2.0)).splitlines()
    for line in (
        "# TYPE penstock_cache_promises_total counter",
        'penstock_cache_promises_total{model="m",kind="read",kept="yes"} 1',
        'penstock_cache_promises_total{model="m",kind="read",kept="no"} 1',
        'penstock_cache_promises_total{model="m",kind="cached",kept="yes"} 2',
        'penstock_cache_foreseen_tokens_total{model="m",kind="read"} 18000',
        'penstock_cache_reported_tokens_total{model="m",kind="write"} 10010',
        'penstock_cache_drift{model="m"} 0.0',
    ):
        assert line in page


def test_what_other_processes_have_counted_is_not_counted_again_here() -> None:
    here = DriftBook.from_builtins(_book().to_builtins())  # what the ledger held at the start
    there = _book()
    here.observe("t", "m", KEPT, 3.0, kept=0.9)
    here.advance(DriftBook(), there)
    line = 'penstock_cache_foreseen_tokens_total{model="m",kind="read"} 9000'
    assert line in Metrics().text(drift_gauges(here, 4.0)).splitlines()
    assert sum(sums.calls for sums in here.sums.values()) == 5


def test_a_model_that_is_left_alone_shows_one() -> None:
    book = _book()
    while book.standing("m", 2.0) is None:
        book.observe("t", "m", BROKEN, 1.0, kept=0.9)
    assert 'penstock_cache_drift{model="m"} 1.0' in Metrics().text(drift_gauges(book, 2.0))


def test_every_gauge_has_its_help_and_its_labels() -> None:
    for name, labels, _ in drift_gauges(_book(), 2.0):
        assert name in HELP
        assert tuple(key for key, _ in labels) == LABELS[name]


def test_an_alarm_is_logged_once_with_its_arithmetic() -> None:
    out = io.StringIO()
    heard = alarm_log(Log(lambda: 0.0, out))
    heard(call(1))
    heard(call(2, alarm="of 5 calls 0 were read"))
    (line,) = out.getvalue().splitlines()
    assert " warning cache drift call=call_0002 model=claude-haiku-4-5 " in line
    assert 'why="of 5 calls 0 were read"' in line
