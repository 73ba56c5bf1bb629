from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.edit import Edit, Risk
from penstock.levers.cache.grid import HOT_PER_MINUTE, propose
from penstock.unknown import Unknown
from tests.levers.cache.prompts import LONG, Traffic, chat, view_of


def _edits(seconds: float, *, calls: int = 200, session: str | None = "s1", **more: Any) -> list[Edit]:
    """What is proposed to a task whose calls came so many seconds apart."""
    traffic = Traffic()
    for _ in range(calls):
        traffic.evidence.reuse.pace.add(traffic.task, traffic.at)
        traffic.at += seconds
    view = view_of(chat(**{"model": "gpt-5.4", **more}))
    return [edit for edit in propose(view, traffic.facts(view, session=session)) if isinstance(edit, Edit)]


def test_t12_a_hot_key_is_split_by_session() -> None:
    (edit,) = _edits(1.0)
    assert edit.path == ("prompt_cache_key",)
    assert edit.risk is Risk.EXACT
    assert isinstance(edit.saving, Unknown)
    assert _edits(1.0, session="s2")[0].value != edit.value
    assert _edits(1.0) == [edit]


def test_t12_below_the_rate_at_which_one_key_overflows_nothing_is_split() -> None:
    assert _edits(60.0 / (HOT_PER_MINUTE - 3.0)) == []
    assert len(_edits(60.0 / (HOT_PER_MINUTE + 3.0))) == 1


def test_t12_a_key_that_the_client_chose_stays() -> None:
    assert _edits(1.0, prompt_cache_key="mine") == []
    assert _edits(1.0, prompt_cache_key="") == []


def test_calls_outside_a_session_keep_one_key() -> None:
    assert _edits(1.0, session=None) == []


@pytest.mark.parametrize("model", ["gpt-nova-9", "ft:unknown"])
def test_t04_a_model_that_we_do_not_know_is_left_alone(model: str) -> None:
    assert _edits(1.0, model=model) == []


def test_t04_a_prompt_below_the_minimum_is_left_alone() -> None:
    assert _edits(1.0, system="Be brief.") == []
    assert len(_edits(1.0, system=LONG)) == 1


def test_no_session_is_named_in_what_is_sent() -> None:
    (edit,) = _edits(1.0, session="ann@example.com")
    assert b"ann" not in edit.value
    assert b"contracts" not in edit.value
