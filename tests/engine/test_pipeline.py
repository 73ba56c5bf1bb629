from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts
from penstock.engine.pipeline import ORDERED, Lever, optimise
from penstock.engine.plan import Plan
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.money import Picodollars
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level
from penstock.wire.view import View
from tests.engine.turns import NEWER, OLDER, Talk
from tests.levers.build import facts_of, proposing, view_of
from tests.levers.trim.conversations import turns
from tests.playbook import chat, messages

ANYTHING = "[tasks.t.cap]\n[tasks.t.route]\n[tasks.t.trim]\n[tasks.t.cache]\nstabilise = true"


def _edit(path: Any, value: Any, lever: str = "cache", **more: Any) -> Edit:
    return Edit(
        **{
            "lever": lever,
            "path": path,
            "action": Action.SET,
            "value": json.dumps(value).encode(),
            "why": "a test",
            "saving": Picodollars(1),
            "risk": Risk.EXACT,
            **more,
        }
    )


def _lever(*edits: Edit | Note, name: str = "cache") -> Lever:
    return proposing(name, *edits)


def _plan(levers: Sequence[Lever], policy: str = ANYTHING, body: Any = None) -> Plan:
    view = view_of(body if body is not None else messages("hello"))
    return optimise(view, facts_of(view, policy), levers, mode="apply")


def _sent(plan: Plan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plan.body)
    return found


def test_without_edits_the_very_bytes_are_planned() -> None:
    plan = _plan([_lever()])
    assert plan.body is plan.view.raw
    assert plan.planned is plan.view
    assert plan.stages == ()


def test_levers_act_in_order_and_each_sees_what_the_one_before_left() -> None:
    seen: list[Any] = []

    def second(view: View, facts: Facts) -> list[Edit]:
        seen.append((view.get("metadata"), facts.input_tokens))
        return [_edit(("metadata", "b"), 2)]

    plan = _plan([_lever(_edit(("metadata",), {"a": 1})), Lever("cache", second)])
    assert seen[0][0] == {"a": 1}
    assert _sent(plan)["metadata"] == {"a": 1, "b": 2}
    assert [stage.lever for stage in plan.stages] == ["cache", "cache"]


def test_the_real_order_ends_with_the_cache() -> None:
    assert [lever.name for lever in ORDERED] == ["trim", "trim", "route", "brevity", "cap", "cache", "cache"]


def test_a_lever_that_is_switched_off_is_not_asked() -> None:
    def never(view: View, facts: Facts) -> list[Edit]:
        raise AssertionError

    plan = _plan([Lever("cap", never)], "[levers]\ncap = false\n[tasks.t.cap]")
    assert plan.failures == ()


def test_a_lever_that_raises_is_left_out_and_the_others_act() -> None:
    def broken(view: View, facts: Facts) -> list[Edit]:
        raise ValueError("prompt text")

    plan = _plan([Lever("trim", broken), _lever(_edit(("metadata",), {}))])
    assert [(failure.lever, failure.error) for failure in plan.failures] == [("trim", "ValueError")]
    assert _sent(plan)["metadata"] == {}


def test_edits_that_cannot_be_made_are_a_failure_and_leave_the_body_as_it_was() -> None:
    plan = _plan([_lever(_edit(("messages", 7, "content"), "x")), _lever(_edit(("metadata",), b"".decode()))])
    assert [failure.lever for failure in plan.failures] == ["cache"]
    assert _sent(plan)["messages"] == messages("hello")["messages"]


def test_edits_after_which_the_body_cannot_be_read_are_a_failure() -> None:
    plan = _plan([_lever(_edit(("messages",), 3))])
    assert plan.failures
    assert plan.body is plan.view.raw


def test_a_second_change_of_one_place_is_refused() -> None:
    plan = _plan([_lever(_edit(("metadata",), {"a": 1}), _edit(("metadata",), {"a": 2}))])
    assert _sent(plan)["metadata"] == {"a": 1}
    assert [one.why for one in plan.refused] == ["the same place is already changed"]


def test_two_levers_on_the_model_is_one_too_many() -> None:
    first = _lever(_edit(("model",), "m1", "route"), name="route")
    plan = _plan([first, _lever(_edit(("model",), "m2"))])
    assert plan.model == "m1"
    assert [one.why for one in plan.refused] == ["the route lever already changed it"]


def test_a_cache_marker_may_stand_on_a_text_with_an_instruction() -> None:
    section = '[tasks.t.brevity]\ninstruction = "Brief."'
    brevity = _lever(_edit(("system",), "Old. Brief.", "brevity", risk=Risk.LOSSY), name="brevity")
    marked = [{"type": "text", "text": "Old. Brief.", "cache_control": {"type": "ephemeral"}}]
    assert _sent(_plan([brevity, _lever(_edit(("system",), marked))], section))["system"] == marked


def test_the_cap_may_lower_what_a_route_translated() -> None:
    route = _lever(_edit(("max_tokens",), 2000, "route"), name="route")
    cap = _lever(_edit(("max_tokens",), 50, "cap", risk=Risk.LOSSY), name="cap")
    assert _sent(_plan([route, cap]))["max_tokens"] == 50


def test_edits_of_a_group_stand_or_fall_together() -> None:
    bundle = [_edit(("metadata",), {}, group="g"), _edit(("model",), "m", group="g", saving=Picodollars(-5))]
    plan = _plan([_lever(*bundle, _edit(("top_k",), 3))])
    assert _sent(plan)["top_k"] == 3
    assert "metadata" not in _sent(plan)
    assert len(plan.refused) == 2


def test_an_edit_that_is_expected_to_lose_is_refused() -> None:
    plan = _plan([_lever(_edit(("metadata",), {}, saving=Picodollars(-1)))])
    assert plan.body is plan.view.raw
    assert plan.saving == 0


def test_lossy_edits_without_the_tasks_word_are_refused() -> None:
    plan = _plan([_lever(_edit(("max_tokens",), 5, "cap", risk=Risk.LOSSY), name="cap")], "")
    assert [one.why for one in plan.refused] == ["lossy, and the policy has no cap section for this task"]


def test_notes_are_kept_and_change_nothing() -> None:
    plan = _plan([_lever(Note("cache", "it never comes again"))])
    assert plan.notes == (Note("cache", "it never comes again"),)
    assert plan.body is plan.view.raw


paths = st.sampled_from(
    [("model",), ("metadata",), ("metadata", "a"), ("messages", 0), ("messages", 0, "content"), ("messages", 1), ("x",)]
)
edits = st.builds(
    _edit,
    paths,
    st.sampled_from([3, "x", {}, {"role": "user", "content": "y"}]),
    action=st.sampled_from(list(Action)),
    risk=st.sampled_from(list(Risk)),
    saving=st.integers(-5, 5).map(Picodollars),
    group=st.sampled_from(["", "g"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(edits, max_size=4), max_size=4))
def test_whatever_levers_propose_the_plan_can_be_sent_and_never_expects_a_loss(proposals: list[list[Edit]]) -> None:
    names = ["trim", "route", "cap", "cache"]
    plan = _plan([_lever(*some, name=name) for some, name in zip(proposals, names, strict=False)])
    msgspec.json.decode(plan.body)
    assert not isinstance(plan.saving, int) or plan.saving >= 0
    assert (plan.body is plan.view.raw) is (not plan.edits)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=200), min_size=1, max_size=6), st.sampled_from(list(Dialect)), st.booleans())
def test_the_real_levers_never_fail_on_ordinary_requests(turns: list[str], dialect: Dialect, all_on: bool) -> None:
    bodies: dict[Dialect, Callable[[], dict[str, Any]]] = {
        Dialect.ANTHROPIC_MESSAGES: lambda: messages(*turns),
        Dialect.OPENAI_CHAT: lambda: chat(*turns),
        Dialect.OPENAI_RESPONSES: lambda: {"model": "gpt-6.1-sol", "input": chat(*turns)["messages"]},
    }
    policy = "[tasks.t.cap]\noutput = 'boolean'\n[tasks.t.trim]\nwindow_tokens = 30\nwhen = 'always'\n[tasks.t.route]\n"
    policy += 'model = "claude-haiku-4-5"' if dialect is Dialect.ANTHROPIC_MESSAGES else 'model = "gpt-4.1-mini"'
    view = view_of(bodies[dialect](), dialect)
    plan = optimise(view, facts_of(view, policy if all_on else ""), mode="apply")
    assert plan.failures == ()
    assert "unknown" not in plan.header() or plan.edits


LETS = """mode = "apply"
holdback.share = 0.0
[tasks.t.cache]
stabilise = true
move_static_up = true
hold_ms = 0
[tasks.t.cap]
max_output = 300
[tasks.t.trim]
retrieved_tokens = 3000
"""
ROUTE = '[tasks.t.route]\nmodel = "{}"\ncascade = false\n'
WINDOW = 'window_tokens = 16000\nwhen = "always"\n'
ROUTES: list[Any] = [(dialect, models, routed) for dialect in Dialect for models in (NEWER, OLDER) for routed in (0, 1)]


@pytest.mark.parametrize(("dialect", "models", "routed"), ROUTES)
@given(script=turns, conversations=st.integers(1, 3))
@settings(max_examples=4)
def test_t1_t7_no_lever_moves_the_prefix_between_successive_turns(
    dialect: Dialect, models: Any, routed: bool, script: Any, conversations: int
) -> None:
    asked, taken = models[dialect]
    if routed and not _keeps_thinking(taken):  # it strips earlier thinking itself, and its cache ends there (T13)
        script = [(size, rounds, False) for size, rounds, _ in script]
    talk = Talk(LETS + ROUTE.format(taken) if routed else LETS, asked)
    for length in range(1, len(script) + 1):
        for conversation in range(conversations):
            talk.turn(dialect, script[:length], conversation)
    assert talk.moved == []


def _keeps_thinking(model: str) -> bool:
    profile = profile_of(model)
    return isinstance(profile, Profile) and (profile.keeps_thinking or profile.provider != "anthropic")


def test_t15_a_routed_session_stays_where_it_is_when_thinking_enters_it() -> None:
    asked, taken = NEWER[Dialect.ANTHROPIC_MESSAGES]
    talk = Talk(LETS + ROUTE.format(taken), asked)
    for length in range(1, 5):
        talk.turn(Dialect.ANTHROPIC_MESSAGES, [(10, [], False), *[(10, [[5]], True)] * (length - 1)], 0)
    assert talk.moved == []
    assert talk.models == [taken] * 4


@pytest.mark.parametrize("stabilise", [True, False])
@pytest.mark.parametrize("dialect", list(Dialect))
def test_t7_tools_in_changing_order_move_no_prefix_where_one_order_is_permitted(
    dialect: Dialect, *, stabilise: bool
) -> None:
    talk = Talk(LETS if stabilise else LETS.replace("stabilise = true\n", ""), NEWER[dialect][0])
    for length in range(1, 5):
        talk.turn(dialect, [(10, [], False)] * length, 0, turned=length % 2 == 0)
    assert [turn for _, turn, _ in talk.moved] == ([] if stabilise else [2, 3, 4])


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_lever_takes_part_in_the_conversations_that_show_it(dialect: Dialect) -> None:
    script = [(10, [], False)] * 4
    edited: set[str] = set()
    for models in (NEWER, OLDER):
        asked, taken = models[dialect]
        for policy in (LETS, LETS + ROUTE.format(taken)):
            talk = Talk(policy, asked)
            for length in range(1, 5):
                for conversation in range(3):
                    talk.turn(dialect, script[:length], conversation)
            edited |= talk.edited
    assert edited == {"trim", "route", "cap", "cache"}


def test_t1_a_rolling_window_is_cut_in_a_long_conversation_and_then_held() -> None:
    talk = Talk(LETS + WINDOW, OLDER[Dialect.ANTHROPIC_MESSAGES][0])
    for length in range(1, 21):
        talk.turn(Dialect.ANTHROPIC_MESSAGES, [(1600, [], False)] * length, 0)
    assert 2 <= len(talk.moved) <= 6


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_lever_that_moves_the_prefix_from_turn_to_turn_is_caught(dialect: Dialect) -> None:
    def counts(view: View, facts: Facts) -> list[Edit]:
        path = next(one.path for one in view.segments if one.level is Level.SYSTEM)
        return [_edit(path, f"{len(view.segments)} {view.get(*path)}")]

    talk = Talk(LETS, NEWER[dialect][0], [Lever("cache", counts)])
    script = [(10, [], False)] * 4
    for length in range(1, 5):
        talk.turn(dialect, script[:length], 0)
    assert [turn for _, turn, _ in talk.moved] == [2, 3, 4]
