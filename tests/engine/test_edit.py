from __future__ import annotations

import msgspec
import pytest

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.money import Picodollars
from penstock.unknown import Unknown


def _edit(saving: Picodollars | Unknown) -> Edit:
    return Edit(
        lever="cap", path=("max_tokens",), action=Action.SET, value=b"1", why="w", saving=saving, risk=Risk.LOSSY
    )


def test_an_edit_is_data_and_never_changes() -> None:
    edit = _edit(Picodollars(3))
    assert edit == _edit(Picodollars(3))
    assert edit.group == ""
    with pytest.raises(AttributeError):
        edit.value = b"2"  # type: ignore[misc]


def test_an_unknown_saving_is_not_zero() -> None:
    assert _edit(Unknown("no price")) != _edit(Picodollars(0))
    assert not _edit(Unknown("no price")).saving


def test_actions_and_risks_have_the_names_that_bodies_and_ledgers_use() -> None:
    assert [action.value for action in Action] == ["set", "insert", "delete"]
    assert msgspec.json.decode(msgspec.json.encode(Risk.EXACT), type=Risk) is Risk.EXACT
    assert Note("cap", "why") == Note("cap", "why")
