from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock.engine.edit import Risk
from penstock.engine.record import Call, EditRecord, ExtraSend
from penstock.evidence.gate import Identity
from penstock.evidence.gatebook import GateBook, Needed, Status
from penstock.ledger.sends import TaskSends
from penstock.money import Picodollars
from tests.ledger.calls import call

DAY = 86_400.0


def _sends(calls: list[Call]) -> TaskSends:
    found = TaskSends()
    for one in calls:
        found.add(one)
    return found


def shadowed(number: int, cost: int | None, shadow: int | None, **changes: Any) -> Call:
    known = None if shadow is None else Picodollars(shadow)
    extra = ExtraSend(purpose="shadow", model="claude-haiku-4-5", reason="agreed", status=200, usage=None, cost=known)
    paid = None if cost is None else Picodollars(cost)
    return call(number, model_sent="claude-opus-5-5", cost=paid, extra_sends=(extra,), **changes)


def status(needed: Needed | None = None, n: int = 500) -> Status:
    book = GateBook()
    book.gate("triage", Identity(reference="claude-opus-5-5-20260922", candidate="claude-haiku-4-5"), at=0.0)
    return msgspec.structs.replace(book.statuses()[0], n=n, needed=needed)


def test_answers_and_shadows_of_a_model_count_alike() -> None:
    sends = _sends([shadowed(1, 100, 20), call(2, cost=Picodollars(10)), shadowed(3, None, None)])
    assert sends.mean_cost("claude-opus-5-5") == 100
    assert sends.mean_cost("claude-haiku-4-5-20251001") == 15
    assert sends.mean_cost("gpt-6.1-sol") is None


def test_payback_is_that_of_the_worked_example_in_calls_and_days() -> None:
    calls = [shadowed(n, 100, 20, started_at=n * DAY / 129) for n in range(130)]
    payback = _sends(calls).payback(status(), 0.02)
    assert payback is not None
    assert (payback.price_ratio, payback.calls) == (0.2, 129)
    assert payback.days == pytest.approx(1.0, rel=0.01)


def test_samples_still_needed_are_to_be_paid_back_too() -> None:
    sends = _sends([shadowed(1, 100, 20)])
    found = sends.payback(status(Needed(samples=500, seconds=0.0)), 0.02)
    assert found is not None
    assert found.calls == 257
    assert found.days is None


def test_what_never_pays_and_what_is_unknown_are_told_apart() -> None:
    dear = _sends([shadowed(1, 100, 100)]).payback(status(), 0.02)
    assert dear is not None
    assert dear.calls is None
    stuck = _sends([shadowed(1, 100, 20)]).payback(status(Needed(None, 0.0)), 0.02)
    assert stuck is not None
    assert stuck.calls is None
    assert _sends([shadowed(1, None, 20)]).payback(status(), 0.02) is None


def test_the_ratio_of_an_edit_is_that_of_calls_that_were_sent_both_ways() -> None:
    edit = EditRecord(lever="trim", why="w", saving=None, risk=Risk.LOSSY)
    same = {"model": "claude-opus-5-5"}
    calls = [
        _shadowed_by(1, 100, 20, **same),
        _shadowed_by(2, 30, 100, edits=(edit,), **same),
        call(3, model_sent="claude-opus-5-5", cost=Picodollars(7)),
        _shadowed_by(4, None, 50, **same),
    ]
    book = GateBook()
    who = Identity(reference="claude-opus-5-5-20260922", candidate="claude-opus-5-5-20260922")
    book.gate("triage", who, at=0.0, candidate="trim", edits=("trim",))
    standing = msgspec.structs.replace(book.statuses()[0], n=100, needed=None)
    payback = _sends(calls).payback(standing, 0.02)
    assert payback is not None
    assert payback.price_ratio == 0.25
    assert _sends(calls[2:3]).payback(standing, 0.02) is None


def _shadowed_by(number: int, cost: int | None, shadow: int, *, model: str, **changes: Any) -> Call:
    one = shadowed(number, cost, shadow, **changes)
    (extra,) = one.extra_sends
    return msgspec.structs.replace(one, extra_sends=(msgspec.structs.replace(extra, model=model),))
