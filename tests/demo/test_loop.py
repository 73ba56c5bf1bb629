from __future__ import annotations

import msgspec

from penstock.demo.loop import Loop, sample_of
from penstock.engine.labels import SIMULATED
from penstock.engine.record import Call
from penstock.engine.simulated import simulated_words
from penstock.ledger.sqlite import open_ledger
from penstock.policy.load import load_policy


def mean_cost(calls: list[Call]) -> float:
    return sum(call.cost_all or 0 for call in calls) / len(calls)


def test_every_call_of_the_second_day_is_in_the_ledger_once(loop: Loop) -> None:
    ids = [call.id for call in loop.served]
    assert len(ids) == len(set(ids))
    assert {call.arm for call in loop.served} == {"treated", "holdback"}
    assert all(call.status == 200 for call in loop.served)
    assert all(call.cost is not None for call in loop.served)
    assert all(SIMULATED in call.tags for call in loop.served)


def test_the_policy_saves_money_in_projection_and_in_the_ledger(loop: Loop) -> None:
    assert loop.projected.total.projected < loop.projected.total.recorded
    treated = [call for call in loop.served if call.arm == "treated"]
    held = [call for call in loop.served if call.arm == "holdback"]
    assert mean_cost(treated) < mean_cost(held)


def test_the_small_models_slips_were_caught_and_paid_for(loop: Loop) -> None:
    second = [extra for call in loop.served for extra in call.extra_sends if extra.purpose == "rejected"]
    assert second
    assert all(extra.cost is not None and extra.cost > 0 for extra in second)


def test_the_files_that_it_leaves_are_of_use(loop: Loop) -> None:
    assert load_policy(loop.files.policy.read_text(), "penstock.toml") == loop.policy
    page = loop.files.report_html.read_text()
    assert "email-triage" in page
    note = simulated_words(loop.before, loop.before)
    assert note in page
    assert note in loop.files.report_json.read_text()
    with open_ledger(loop.files.ledger) as ledger:
        assert ledger.simulated() == (len(loop.served), len(loop.served))
    assert "http://" not in page.replace("http://www.w3.org", "").replace("http://127.0.0.1", "")


def test_calls_of_unknown_cost_are_in_neither_arm(loop: Loop) -> None:
    unknown = msgspec.structs.replace(loop.served[0], cost=None)
    assert sample_of([unknown]).sums == {}
