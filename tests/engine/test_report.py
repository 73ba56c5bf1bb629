from __future__ import annotations

from penstock.engine.report import report_headers
from penstock.money import Picodollars
from tests.ledger.calls import call


def test_a_finished_call_tells_id_model_and_exact_money() -> None:
    done = call(cost=Picodollars(1_500_000), cost_before=Picodollars(10**12 + 1_500_000))
    assert report_headers(done, None) == {
        "x-penstock-call-id": "call_0001",
        "x-penstock-model": "claude-haiku-4-5",
        "x-penstock-cost-usd": "0.0000015",
        "x-penstock-saved-usd": "1",
    }


def test_a_loss_is_negative_and_unknown_is_a_word() -> None:
    assert report_headers(call(cost=Picodollars(10), cost_before=Picodollars(3)), None)["x-penstock-saved-usd"] == (
        "-0.000000000007"
    )
    assert report_headers(call(cost=None), None)["x-penstock-cost-usd"] == "unknown"


def test_a_running_call_tells_no_cost_and_no_odd_model() -> None:
    assert report_headers(None, None, call_id="c1", model="m\r\nx: y") == {"x-penstock-call-id": "c1"}
