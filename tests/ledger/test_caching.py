from __future__ import annotations

from penstock.engine.edit import Note
from penstock.engine.record import ExtraSend
from penstock.ledger.caching import cache_figures
from penstock.money import Picodollars
from penstock.wire.diagnostics import Diagnosis
from penstock.wire.usage import Basis, Usage
from tests.ledger.calls import call

MODEL = "claude-opus-5-5"
FORESEEN = Usage(input_uncached=100, cache_read=9000, basis=Basis.DERIVED)


def test_foreseen_and_reported_tokens_are_summed_by_task_and_model() -> None:
    read, missed = Usage(input_uncached=100, cache_read=9000), Usage(input_uncached=100, cache_write_5m=9000)
    figures = cache_figures(
        [
            call(1, model_sent=MODEL, predicted=FORESEEN, usage=read),
            call(2, model_sent=MODEL, predicted=FORESEEN, usage=missed),
            call(3, model_sent=MODEL, predicted=FORESEEN, usage=missed, status=500),
            call(4, model_sent="a-model-of-ours", predicted=FORESEEN, usage=missed),
            call(5),
        ]
    )
    ((key, sums),) = figures.sums.items()
    assert key == ("triage", MODEL)
    assert (sums.calls, sums.foreseen_read, sums.read, sums.write) == (2, 18_000, 9000, 9000)
    assert (sums.reads, sums.reads_kept) == (2, 1)


def test_stand_downs_are_counted_with_the_arithmetic_of_the_latest() -> None:
    figures = cache_figures(
        [call(n, notes=(Note("cache", f"{n} writes were not read"), Note("cap", "12 answers seen"))) for n in (1, 2, 3)]
    )
    cache, cap = sorted(figures.stood_down.ranked(), key=lambda one: one.lever)
    assert (cache.lever, cache.did, cache.calls, cache.why) == ("cache", "stands down", 3, "3 writes were not read")
    assert (cap.lever, cap.calls) == ("cap", 3)


def test_warming_requests_are_summed_by_task_and_purpose() -> None:
    read, missed = Usage(input_uncached=5, cache_read=9000), Usage(input_uncached=5, cache_write_5m=9000)
    extras = tuple(
        ExtraSend(purpose=purpose, model="m", reason="", status=200, usage=usage, cost=cost)
        for purpose, usage, cost in (
            ("keep_alive", read, Picodollars(3)),
            ("keep_alive", missed, None),
            ("prewarm", missed, Picodollars(5)),
            ("shadow", read, Picodollars(7)),
        )
    )
    kept, filled = cache_figures([call(1, extra_sends=extras)]).warmed.values()
    assert (kept.purpose, kept.requests, kept.read, kept.cost, kept.unknown) == ("keep_alive", 2, 1, 3, 1)
    assert (filled.purpose, filled.requests, filled.read, filled.cost) == ("prewarm", 1, 0, 5)


def test_alarms_are_listed_with_the_call_that_raised_them() -> None:
    figures = cache_figures([call(1), call(2, alarm="of 5 calls 0 were read")])
    (raised,) = figures.alarms
    assert (raised.call, raised.model, raised.why) == ("call_0002", "claude-haiku-4-5", "of 5 calls 0 were read")
    assert figures.as_builtins()["alarms"][0]["at"] == 1002.0


def test_what_the_provider_said_is_counted_beside_what_was_foreseen() -> None:
    read, missed = Usage(input_uncached=100, cache_read=9000), Usage(input_uncached=9100)
    changed = Diagnosis(outcome="diverged", reason="system_changed", missed=9000)
    figures = cache_figures(
        [
            call(1, model_sent=MODEL, predicted=FORESEEN, usage=read, diagnosis=Diagnosis(outcome="reusable")),
            call(2, model_sent=MODEL, predicted=FORESEEN, usage=missed, diagnosis=changed),
            call(3, model_sent=MODEL, predicted=missed, usage=missed, diagnosis=changed),
        ]
    )
    fine, system = figures.diagnosed.values()
    assert (fine.said, fine.calls, fine.unforeseen) == ("reusable", 1, 0)
    assert (system.said, system.calls, system.missed, system.unforeseen) == ("system_changed", 2, 18_000, 1)
    assert figures.as_builtins()["diagnosed"][1]["said"] == "system_changed"
