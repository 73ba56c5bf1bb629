from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Edit, Note, Risk
from penstock.engine.pipeline import Lever, optimise
from penstock.evidence.store import Evidence
from penstock.levers.route.propose import propose
from penstock.wire.dialect import Dialect
from tests.levers.build import facts_of, view_of
from tests.playbook import chat, messages

TO_HAIKU = '[tasks.t.route]\nmodel = "claude-haiku-4-5"\n'
OPUS = "claude-opus-5"


def _notes(body: dict[str, Any], policy: str, **more: Any) -> list[str]:
    view = view_of(body)
    proposals = propose(view, facts_of(view, policy, **more))
    assert all(isinstance(one, Note) for one in proposals)
    return [one.why for one in proposals]


def _planned(body: dict[str, Any], policy: str, evidence: Evidence | None = None, **more: Any) -> dict[str, Any]:
    view = view_of(body)
    plan = optimise(view, facts_of(view, policy, evidence, **more), [Lever("route", propose)])
    assert not plan.failures
    found: dict[str, Any] = json.loads(plan.body)
    return found


def test_a_task_without_a_route_is_left_alone() -> None:
    view = view_of(messages("x"))
    assert propose(view, facts_of(view)) == []
    assert propose(view, facts_of(view, TO_HAIKU + "enabled = false")) == []


def test_a_routed_task_goes_to_the_policys_model_with_all_that_goes_with_it() -> None:
    view = view_of(messages("x", model=OPUS, temperature=0.3, output_config={"effort": "low"}))
    edits = propose(view, facts_of(view, TO_HAIKU))
    assert all(isinstance(one, Edit) and one.risk is Risk.LOSSY and one.group == "route" for one in edits)
    assert _planned(messages("x", model=OPUS, temperature=0.3, output_config={"effort": "low"}), TO_HAIKU) == messages(
        "x", model="claude-haiku-4-5", temperature=0.3, output_config={}
    )


def test_a_routed_model_gets_its_own_prompt() -> None:
    policy = '[prompts]\nshort = "Be brief."\n' + TO_HAIKU + 'variants = { "claude-haiku-4-5" = "short" }'
    assert _planned(messages("x", model=OPUS, system="Long."), policy)["system"] == "Be brief."


def test_a_request_that_cannot_go_there_stays_with_the_reason() -> None:
    assert _notes(messages("x", model=OPUS, inference_geo="us"), TO_HAIKU) == [
        "claude-haiku-4-5 is not taken: it rejects `inference_geo`"
    ]
    assert _notes(messages("x"), '[tasks.t.route]\nmodel = "who-knows"') == [
        "who-knows is not taken: what it accepts is unknown"
    ]


def test_a_request_that_asks_for_the_model_already_is_left_alone() -> None:
    assert _planned(messages("x", model="claude-haiku-4-5"), TO_HAIKU) == messages("x", model="claude-haiku-4-5")
    assert _notes(messages("x", model="claude-haiku-4-5-20251001"), TO_HAIKU) == [
        "claude-haiku-4-5 is the model that was asked for"
    ]


def test_a_dearer_model_is_never_taken() -> None:
    policy = '[tasks.t.route]\nmodel = "claude-opus-5"'
    view = view_of(messages("x" * 4000, model="claude-haiku-4-5"))
    plan = optimise(view, facts_of(view, policy), [Lever("route", propose)])
    assert plan.body is view.raw
    assert {one.why for one in plan.refused} == {"it is expected to cost more than it saves"}


def test_without_a_model_of_the_policy_the_gates_cheapest_is_taken() -> None:
    promoted = frozenset({"claude-sonnet-5", "claude-haiku-4-5", "gpt-4.1-mini"})
    assert _planned(messages("x" * 4000, model=OPUS), "", promoted=promoted)["model"] == "claude-haiku-4-5"
    assert _planned(messages("x", model=OPUS), "") == messages("x", model=OPUS)


def test_t15_a_warm_session_stays_on_its_model_unless_the_switch_pays() -> None:
    body = messages("x" * 40_000, model=OPUS)
    to_sonnet = '[tasks.t.route]\nmodel = "claude-sonnet-5"\nhorizon_turns = {turns}\n'
    view = view_of(body)
    warm = facts_of(view).input_tokens
    short = _planned(body, to_sonnet.format(turns=3), session="s", warm=warm, pinned=OPUS)
    long = _planned(body, to_sonnet.format(turns=60), session="s", warm=warm, pinned=OPUS)
    cold = _planned(body, to_sonnet.format(turns=3), session="s", warm=0)
    assert (short["model"], long["model"], cold["model"]) == (OPUS, "claude-sonnet-5", "claude-sonnet-5")


def test_t15_a_session_that_was_moved_stays_where_it_is() -> None:
    body = messages("x" * 40_000, model=OPUS)
    view = view_of(body)
    warm = facts_of(view).input_tokens
    policy = '[tasks.t.route]\nmodel = "claude-sonnet-5"\nhorizon_turns = 3'
    assert _planned(body, policy, session="s", warm=warm, pinned="claude-sonnet-5")["model"] == "claude-sonnet-5"


def test_t15_a_session_whose_cache_is_not_known_counts_as_warm() -> None:
    policy = '[tasks.t.route]\nmodel = "claude-sonnet-5"\nhorizon_turns = 2'
    assert _planned(messages("x" * 40_000, model=OPUS), policy, session="s", pinned=OPUS)["model"] == OPUS


def _thought(**more: Any) -> dict[str, Any]:
    """A second turn after an answer with thinking."""
    body = messages("x" * 40_000, model=OPUS, thinking={"type": "adaptive"}, **more)
    answer = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "ok"}]
    body["messages"] += [{"role": "assistant", "content": answer}, {"role": "user", "content": "go on"}]
    return body


SONNET = "claude-sonnet-5"
TO_SONNET = f'[tasks.t.route]\nmodel = "{SONNET}"\nhorizon_turns = 3\n'


def test_t15_a_session_stays_on_the_model_whose_own_thinking_it_holds() -> None:
    warm = facts_of(view_of(_thought())).input_tokens
    stays = {"session": "s", "warm": warm, "pinned": SONNET, "answered_by": SONNET}
    assert _planned(_thought(), TO_SONNET, **stays)["model"] == SONNET
    for changed in ({"answered_by": ""}, {"answered_by": OPUS}, {"pinned": OPUS}, {"pinned": None}):
        assert _planned(_thought(), TO_SONNET, **{**stays, **changed})["model"] == OPUS
    assert _planned(_thought(), TO_SONNET + "pin_sessions = false\n", **stays)["model"] == OPUS


def test_t15_turns_that_the_provider_keeps_for_the_model_go_on_there() -> None:
    body = {"model": "gpt-6.1-sol", "input": "go on", "previous_response_id": "resp_1"}
    view = view_of(body, Dialect.OPENAI_RESPONSES)
    policy = '[tasks.t.route]\nmodel = "gpt-6-luna"\n'
    (note,) = propose(view, facts_of(view, policy, session="s"))
    assert isinstance(note, Note)
    assert "kept at the provider for another model" in note.why
    facts = facts_of(view, policy, session="s", pinned="gpt-6-luna", answered_by="gpt-6-luna")
    assert next(edit.path for edit in propose(view, facts) if isinstance(edit, Edit)) == ("model",)


def test_t15_a_session_that_cannot_stay_is_told_what_its_warm_prompt_costs() -> None:
    (note,) = _notes(_thought(), TO_SONNET, session="s", pinned=SONNET, answered_by="")
    assert "holds another model's thinking; leaves about " in note
    assert "warm tokens behind, $0.00" in note
    assert " to read there and $0." in note
    (other,) = _notes(_thought(), TO_SONNET, session="s", pinned=OPUS)
    assert other.endswith("holds another model's thinking")


def test_the_reason_names_the_warm_tokens_left_behind() -> None:
    view = view_of(messages("x" * 4000, model=OPUS))
    (edit, *_) = propose(view, facts_of(view, TO_HAIKU, warm=1000))
    assert edit.why == (
        "claude-opus-5 -> claude-haiku-4-5; leaves 1,000 warm tokens behind that would be read for $0.00050000"
    )


def test_a_model_whose_answers_are_turned_down_too_often_is_not_tried() -> None:
    evidence = Evidence()
    for _ in range(100):
        evidence.escalations.add("t", "claude-haiku-4-5", "json")
    models = [_planned(messages(f"{n} " + "x" * 4000, model=OPUS), TO_HAIKU, evidence)["model"] for n in range(150)]
    assert 0 < models.count("claude-haiku-4-5") < 15
    without = _planned(messages("0 " + "x" * 4000, model=OPUS), TO_HAIKU + "cascade = false", evidence)["model"]
    assert without == "claude-haiku-4-5"


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["gpt-4.1-mini", "gpt-5-mini", "gpt-4o-mini", "gpt-6-luna"]),
    st.sampled_from(["gpt-4o", "gpt-5.5", "gpt-6.1-sol"]),
    st.fixed_dictionaries(
        {},
        optional={
            "temperature": st.floats(0, 1),
            "max_tokens": st.integers(1, 4000),
            "reasoning_effort": st.sampled_from(["low", "high"]),
            "prompt_cache_options": st.just({"mode": "implicit"}),
            "logprobs": st.sampled_from([True]),
            "verbosity": st.just("low"),
        },
    ),
)
def test_t28_a_routed_request_never_holds_what_its_model_rejects(
    target: str, source: str, extra: dict[str, Any]
) -> None:
    view = view_of(chat("x" * 2000, model=source, **extra), Dialect.OPENAI_CHAT)
    facts = facts_of(view, f'[tasks.t.route]\nmodel = "{target}"')
    plan = optimise(view, facts, [Lever("route", propose)])
    assert not plan.failures
    if plan.edits:
        profile = plan.facts.seeing(plan.planned).profile
        assert plan.planned.model == target
        assert not set(plan.planned.params) & profile.forbidden_params  # type: ignore[union-attr]
    else:
        assert plan.body is view.raw


TIERED = """
[tiers.small]
anthropic = ["claude-sonnet-4-5", "claude-haiku-4-5"]
openai = ["gpt-5-mini"]
[tiers.local]
openai = ["gpt-5-nano"]
[tasks.t.route]
model = "small"
"""


def test_a_tier_stands_for_its_models_of_the_call_s_provider_and_the_cheapest_is_taken() -> None:
    assert _planned(messages("x" * 4000, model=OPUS), TIERED)["model"] == "claude-haiku-4-5"
    view = view_of(chat("x" * 4000, model="gpt-5"), Dialect.OPENAI_CHAT)
    plan = optimise(view, facts_of(view, TIERED), [Lever("route", propose)])
    assert plan.model == "gpt-5-mini"


def test_a_tier_without_a_model_of_the_provider_leaves_the_call_alone_with_the_reason() -> None:
    notes = _notes(messages("x"), TIERED.replace('model = "small"', 'model = "local"'))
    assert notes == ["the tier local has no model of anthropic"]
