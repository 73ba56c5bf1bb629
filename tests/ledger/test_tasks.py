from __future__ import annotations

from penstock.engine.record import Call, ExtraSend
from penstock.ledger.tasks import Figures, by_endpoint, by_task, disagreed
from penstock.money import Picodollars
from tests.ledger.calls import call


def _by_task(calls: list[Call]) -> list[Figures]:
    found = by_task()
    for one in calls:
        found.add(one)
    return found.rows


def _extra(purpose: str, reason: str, cost: int | None = 5) -> ExtraSend:
    known = None if cost is None else Picodollars(cost)
    return ExtraSend(purpose=purpose, model="m", reason=reason, status=200, usage=None, cost=known)


def test_figures_count_how_answers_ended_and_what_they_cost() -> None:
    calls = [
        call(1, finish="stop", extra_sends=(_extra("shadow", "agreed (equal)"),)),
        call(2, finish="length"),
        call(3, finish="refusal"),
        call(4, status=529),
        call(
            5, finish="stop", extra_sends=(_extra("rejected", "json"), _extra("shadow", "disagreed by 1.00 (differ)"))
        ),
        call(6, task="other"),
    ]
    other, one = _by_task(calls)
    assert other.name == "other"
    assert (one.calls, one.accepted, one.errors, one.refused, one.truncated) == (5, 2, 1, 1, 1)
    assert (one.escalated, one.shadows, one.disagreed) == (1, 2, 1)
    assert (one.cost, one.shadow_cost, one.cost_per_accepted) == (5 * 7 + 15, 10, 25)


def test_an_unknown_cost_makes_the_cost_per_answer_unknown() -> None:
    (one,) = _by_task([call(1), call(2, cost=None)])
    assert (one.cost, one.unknown, one.cost_per_accepted) == (7, 1, None)


def test_a_shadow_that_was_not_compared_did_not_disagree() -> None:
    assert not disagreed("not compared: the candidate did not answer")


def test_an_endpoint_s_models_have_their_own_figures_and_latencies() -> None:
    found = by_endpoint()
    for number in range(1, 101):
        found.add(call(number, task=f"t{number % 3}", latency_ms=float(number)))
    found.add(call(101, status=529, latency_ms=9000.0))
    (one,) = found.rows
    assert (one.name, one.calls, one.errors) == ("anthropic.messages", 101, 1)
    assert (one.latency(0.5), one.latency(0.95)) == (51.0, 96.0)
    assert Figures(name="x", model="m").latency(0.5) is None


def test_what_judges_cost_is_part_of_what_shadows_cost() -> None:
    (one,) = _by_task([call(1, extra_sends=(_extra("shadow", "agreed (judge)"), _extra("judge", "a tie", 3)))])
    assert (one.shadows, one.shadow_cost) == (1, 8)


def test_what_requests_of_ours_cost_is_counted_and_is_no_call_that_failed() -> None:
    figures = by_task()
    figures.add(call(1))
    figures.add(call(2, arm="own", status=None, usage=None, cost=Picodollars(3)))
    (one,) = figures.rows
    assert (one.calls, one.errors, one.cost) == (1, 0, 10)
