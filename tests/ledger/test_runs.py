from __future__ import annotations

from penstock.engine.record import ExtraSend
from penstock.ledger.runs import agreements_of, faults_of, find_run
from penstock.ledger.sqlite import open_ledger
from penstock.money import Picodollars
from tests.ledger.calls import call


def extra(purpose: str, reason: str, cost: int | None = 1) -> ExtraSend:
    paid = None if cost is None else Picodollars(cost)
    return ExtraSend(purpose=purpose, model="m", reason=reason, status=200, usage=None, cost=paid)


def test_shadows_that_agreed_and_judges_speak_for_a_step_and_are_no_fault() -> None:
    extras = (
        extra("shadow", "agreed (judge)"),
        extra("judge", "a tie"),
        extra("rejected", "json: the text is not JSON"),
        extra("keep_alive", "request 1 of 11"),
    )
    step = call(1, extra_sends=extras)
    assert faults_of(step) == ("m rejected: json: the text is not JSON",)
    assert agreements_of(step) == ("shadow m: agreed (judge)", "judge m: a tie")


def test_a_run_is_found_by_its_key_and_by_any_of_its_calls() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(1, trace="run"), call(2, trace="run", finish="length"), call(3)])
        by_key, by_call = find_run(ledger, "run"), find_run(ledger, "call_0002")
        assert by_key is not None
        assert by_key == by_call
        assert [step.id for step in by_key.steps] == ["call_0001", "call_0002"]
        assert (by_key.first, by_key.failed_after, by_key.cost) == (1, 0, (14, 0))
        alone = find_run(ledger, "call_0003")
        assert alone is not None
        assert (alone.key, alone.first, len(alone.steps)) == ("call_0003", None, 1)
        assert find_run(ledger, "nothing") is None


def test_a_step_of_unknown_cost_is_counted_and_in_no_sum() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(1, trace="run"), call(2, trace="run", extra_sends=(extra("judge", "a tie", None),))])
        run = find_run(ledger, "run")
        assert run is not None
        assert run.cost == (7, 1)
