from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.permit import clash, forbidden, losing
from penstock.money import Picodollars
from penstock.unknown import Unknown
from tests.levers.build import facts_of, view_of
from tests.playbook import messages


def _edit(
    lever: str = "cache", risk: Risk = Risk.EXACT, path: Any = ("a",), action: Action = Action.SET, saving: Any = 0
) -> Edit:
    saved = saving if isinstance(saving, Unknown) else Picodollars(saving)
    return Edit(lever=lever, path=path, action=action, value=b"1", why="w", saving=saved, risk=risk)


def _why(policy: str, edit: Edit, **more: Any) -> str | None:
    view = view_of(messages("x"))
    return forbidden(edit, facts_of(view, policy, **more))


def test_exact_edits_need_no_word_of_the_task_and_respect_its_no() -> None:
    assert _why("", _edit()) is None
    assert _why("[tasks.t.cache]\nenabled = false", _edit()) == "the task's cache section is off"


def test_equivalent_edits_need_the_tasks_word() -> None:
    edit = _edit(risk=Risk.EQUIVALENT)
    assert "stabilise" in (_why("", edit) or "")
    assert _why("[tasks.t.cache]\nstabilise = true", edit) is None


@pytest.mark.parametrize("lever", ["cap", "trim", "route"])
def test_lossy_edits_need_the_tasks_section_for_their_lever(lever: str) -> None:
    edit = _edit(lever, Risk.LOSSY)
    assert _why("", edit) == f"lossy, and the policy has no {lever} section for this task"
    assert _why(f"[tasks.t.{lever}]", edit) is None
    assert _why(f"[defaults.{lever}]\n[tasks.t]", edit) is None
    assert _why(f"[tasks.t.{lever}]\nenabled = false", edit) == f"the task's {lever} section is off"


def test_the_gates_word_is_enough_for_a_model_and_for_nothing_else() -> None:
    promoted = frozenset({"claude-haiku-4-5"})
    assert _why("", _edit("route", Risk.LOSSY), promoted=promoted) is None
    assert _why("", _edit("cap", Risk.LOSSY), promoted=promoted) is not None
    assert _why("", _edit("unheard of", Risk.LOSSY)) is not None


def test_an_edit_that_waits_for_the_gate_needs_more_than_its_section() -> None:
    policy = "[tasks.t.trim]\n[tasks.t.cap]"
    assert "gate" in (_why(policy, _edit("trim", Risk.LOSSY), waiting=frozenset({"trim"})) or "")
    assert _why(policy, _edit("cap", Risk.LOSSY), waiting=frozenset({"trim"})) is None


def test_edits_that_lose_together_are_turned_down() -> None:
    assert losing([_edit(saving=-1)]) is not None
    assert losing([_edit(saving=5), _edit(saving=-5)]) is None
    assert losing([_edit(saving=5), _edit(saving=-6)]) is not None
    assert losing([_edit(saving=Unknown("?"))]) is None
    assert losing([_edit(saving=Unknown("?")), _edit(saving=-1)]) is not None
    assert losing([]) is None


@pytest.mark.parametrize(
    ("path", "action", "other", "other_action", "clashes"),
    [
        (("a",), Action.SET, ("a",), Action.SET, True),
        (("a",), Action.SET, ("b",), Action.SET, False),
        (("a", 0), Action.INSERT, ("a", 0), Action.INSERT, False),
        (("a", 0), Action.DELETE, ("a", 0), Action.INSERT, False),
        (("a", 0, "t"), Action.SET, ("a", 0), Action.DELETE, True),
        (("a", 0), Action.DELETE, ("a", 0, "t"), Action.SET, True),
        (("a", 0, "t"), Action.SET, ("a", 0), Action.INSERT, False),
        (("a", 1, "t"), Action.SET, ("a", 0), Action.DELETE, False),
        (("a", 0), Action.SET, ("a",), Action.SET, True),
    ],
)
def test_two_changes_of_one_place_clash(
    path: Any, action: Action, other: Any, other_action: Action, clashes: bool
) -> None:
    assert (clash(_edit(path=path, action=action), [_edit(path=other, action=other_action)]) is not None) is clashes
