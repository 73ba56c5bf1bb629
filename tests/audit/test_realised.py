from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from penstock.audit.realised import collect, covariate, realised
from penstock.engine.edit import Note
from penstock.engine.record import Call, ExtraSend
from penstock.evidence.proof import NotEnough, Proof
from penstock.money import Picodollars
from penstock.wire.usage import Usage
from tests.ledger.calls import call

MILLI = 1_000_000_000


def traffic(calls: int = 600, *, saving: float = 0.3, **changes: Any) -> Iterator[Call]:
    """Calls of one or two per session, a fifth of them held back."""
    rnd = random.Random(3)
    for number in range(calls):
        session = number // 2
        held = random.Random(session).random() < 0.2
        size = int(rnd.lognormvariate(8, 0.6))
        before = Picodollars(size * MILLI // 100)
        cost = before if held else Picodollars(int(before * (1 - saving) * rnd.uniform(0.9, 1.1)))
        yield call(
            number,
            arm="holdback" if held else "treated",
            session=f"s{session}",
            task="triage" if session % 2 else "extract",
            request_bytes=size,
            cost=cost,
            cost_before=before,
            price_table="prices 1",
            **changes,
        )


def test_the_realised_saving_stands_beside_the_projected_one() -> None:
    result = realised(traffic(), by_task=True)
    assert isinstance(result.proof, Proof)
    assert result.proof.saving.low < 0.3 < result.proof.saving.high
    assert result.projected.saving == pytest.approx(0.3, abs=0.02)
    assert result.projected.calls == result.proof.treated.calls
    assert set(result.by_task) == {"extract", "triage"}
    assert (result.first, result.last, result.price_tables) == (1000.0, 1599.0, ("prices 1",))
    assert result.left_out == {}


def test_the_projection_is_of_the_tasks_that_are_compared() -> None:
    lonely = [
        call(
            9000 + k,
            arm="treated",
            task="lonely",
            session=f"l{k}",
            cost=Picodollars(1),
            cost_before=Picodollars(10**15),
        )
        for k in range(30)
    ]
    alone, beside = realised(traffic()), realised([*traffic(), *lonely])
    assert beside.projected == alone.projected
    assert isinstance(beside.proof, Proof)
    assert beside.proof.left_out == 30


def test_too_few_sessions_are_refused() -> None:
    result = realised(traffic(40))
    assert isinstance(result.proof, NotEnough)


def test_only_drawn_calls_with_a_cost_count_and_the_rest_is_counted_by_reason() -> None:
    calls = [
        call(1, arm="observe"),
        call(2, arm="bypass"),
        call(3, arm="treated", cost=None),
        call(4, arm="treated", cost=None, status=529),
        call(5, arm="holdback", cost=None, status=None, error_kind="timeout"),
        call(6, arm="holdback"),
    ]
    found = collect(calls)
    assert found.left_out == {
        "arm observe: not part of the draw": 1,
        "arm bypass: not part of the draw": 1,
        "no known cost": 1,
        "failed, and not billed": 2,
    }
    assert found.sample.tasks == ("triage",)


def test_t18_what_was_spent_besides_is_booked_on_the_treated_call_and_not_on_the_client() -> None:
    extra = ExtraSend(
        purpose="shadow", model="m", reason="r", status=200, usage=Usage(input_uncached=1), cost=Picodollars(5 * MILLI)
    )
    calls = [call(1, arm="treated", extra_sends=(extra,)), call(2, arm="holdback", extra_sends=(extra,))]
    found = collect(calls)
    costs = {arm: next(iter(tasks["triage"].values()))[1] for arm, tasks in found.sample.sums.items()}
    assert costs == {"treated": 7.0 + 5 * MILLI, "holdback": 7.0}
    assert found.own_spend_on_holdback == 5 * MILLI
    assert any("in neither arm" in warning for warning in realised(calls).warnings)


def test_an_uneven_loss_of_calls_is_warned_of() -> None:
    calls = [
        msgspec.structs.replace(one, cost=None) if one.arm == "treated" and number % 10 == 0 else one
        for number, one in enumerate(traffic())
    ]
    (warning,) = realised(calls).warnings
    assert "may favour one side" in warning


def test_t11_a_holdback_that_reads_the_treated_calls_cache_understates_the_saving_and_that_is_said() -> None:
    calls = [
        msgspec.structs.replace(one, cost=Picodollars(int((one.cost or 0) * 0.8))) if one.arm == "holdback" else one
        for one in traffic()
    ]
    (warning,) = realised(calls).warnings
    assert "held-back calls cost 20.0% less than they would have alone" in warning
    assert realised(traffic()).warnings == ()


def test_the_covariate_is_made_alike_in_both_arms() -> None:
    one = call(1, request_bytes=1000, started_at=1790845200.0, model_asked="claude-opus-5")
    held = msgspec.structs.replace(one, arm="holdback", cost=Picodollars(1), cost_before=Picodollars(1))
    assert covariate(one) == covariate(held) == 1000 * 5_000_000
    assert covariate(msgspec.structs.replace(one, model_asked="nova-9")) is None


def test_calls_without_a_session_are_sessions_of_their_own() -> None:
    found = collect([call(number, arm="treated", session=None) for number in range(3)])
    assert len(found.sample.sums["treated"]["triage"]) == 3


def test_an_alarm_of_cache_drift_makes_the_projection_less_sure_and_is_said() -> None:
    calls = list(traffic())
    calls[3].alarm = calls[5].alarm = "the provider does not behave: of 5 calls 0 were read"
    warnings = realised(calls).warnings
    assert any("of 5 calls 0 were read (2 alarms)" in one for one in warnings)
    assert not any("alarms" in one for one in realised(traffic()).warnings)


def test_why_levers_stood_down_in_treated_calls_is_said() -> None:
    result = realised(traffic(20, notes=(Note("cache", "2 writes were not read"),)))
    assert {one.task for one in result.stood_down} == {"extract", "triage"}
    assert sum(one.calls for one in result.stood_down) == sum(one.arm == "treated" for one in traffic(20))
    assert {one.why for one in result.stood_down} == {"2 writes were not read"}
