from __future__ import annotations

import msgspec

from penstock.engine.edit import Risk
from penstock.engine.record import Call, EditRecord, ExtraSend
from penstock.money import Picodollars
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage


def _call(**more: object) -> Call:
    return Call(  # type: ignore[arg-type]
        **{
            "id": "c1",
            "started_at": 1.0,
            "task": "triage",
            "provider": "openai",
            "dialect": Dialect.OPENAI_CHAT,
            "model_asked": "m",
            "model_sent": "m",
            **more,
        }
    )


def _extra(cost: int | None) -> ExtraSend:
    spent = None if cost is None else Picodollars(cost)
    return ExtraSend(purpose="rejected", model="m", reason="truncated", status=200, usage=None, cost=spent)


def test_every_send_of_a_call_is_in_its_cost() -> None:
    call = _call(cost=Picodollars(100), cost_before=Picodollars(130), extra_sends=(_extra(7), _extra(3)))
    assert call.cost_all == 110
    assert call.saved == 20


def test_an_unknown_part_makes_the_whole_unknown() -> None:
    assert _call(cost=Picodollars(100), extra_sends=(_extra(None),)).cost_all is None
    assert _call(cost=None, cost_before=Picodollars(1)).saved is None
    assert _call(cost=Picodollars(100)).saved is None


def test_a_loss_is_shown_as_one() -> None:
    assert _call(cost=Picodollars(100), cost_before=Picodollars(90)).saved == -10


def test_a_record_survives_json() -> None:
    edit = EditRecord(lever="cap", why="w", saving=Picodollars(3), risk=Risk.LOSSY)
    call = _call(usage=Usage(input_uncached=3), edits=(edit,), extra_sends=(_extra(1),), tags={"a": "b"})
    assert msgspec.json.decode(msgspec.json.encode(call), type=Call) == call
