from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.edit import Edit, Note, Risk
from penstock.engine.pipeline import Lever, optimise
from penstock.evidence.store import Evidence
from penstock.levers.cap.propose import propose
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import View
from tests.levers.build import facts_of, view_of, with_lengths
from tests.playbook import chat, messages

BOOLEAN = '[tasks.t.cap]\noutput = "boolean"'
LEARNT = "[tasks.t.cap]"
HAIKU = "claude-haiku-4-5"


def _one(view: View, policy: str, evidence: Evidence | None = None, **more: Any) -> Edit | Note:
    (proposal,) = propose(view, facts_of(view, policy, evidence, **more))
    return proposal


def _edit(view: View, policy: str, evidence: Evidence | None = None, **more: Any) -> Edit:
    proposal = _one(view, policy, evidence, **more)
    assert isinstance(proposal, Edit), proposal
    return proposal


def test_a_task_without_a_cap_section_is_left_alone() -> None:
    view = view_of(messages("x", model=HAIKU))
    assert propose(view, facts_of(view)) == []
    assert propose(view, facts_of(view, "[tasks.t.cap]\nenabled = false\nmax_output = 5")) == []


def test_a_declared_kind_lowers_the_cap() -> None:
    edit = _edit(view_of(messages("x", model=HAIKU)), BOOLEAN)
    assert (edit.path, edit.value, edit.risk) == (("max_tokens",), b"10", Risk.LOSSY)
    assert isinstance(edit.saving, Unknown)
    assert edit.why == 'answers end within 10 tokens: the preset for "boolean"'


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 200), st.integers(1, 200))
def test_a_cap_of_the_caller_is_never_raised(own: int, wanted: int) -> None:
    view = view_of({**messages("x", model=HAIKU), "max_tokens": own})
    proposal = _one(view, f"[tasks.t.cap]\nmax_output = {wanted}")
    if own <= wanted:
        assert isinstance(proposal, Note)
    else:
        assert isinstance(proposal, Edit)
        assert int(proposal.value) == wanted < own


@pytest.mark.parametrize(
    ("body", "dialect", "name"),
    [
        (messages("x", model=HAIKU), Dialect.ANTHROPIC_MESSAGES, "max_tokens"),
        (chat("x", model="gpt-4o"), Dialect.OPENAI_CHAT, "max_completion_tokens"),
        (chat("x", model="gpt-4o", max_tokens=900), Dialect.OPENAI_CHAT, "max_tokens"),
        (chat("x", model="gpt-4o", max_completion_tokens=900), Dialect.OPENAI_CHAT, "max_completion_tokens"),
        ({"model": "gpt-4.1", "input": "x"}, Dialect.OPENAI_RESPONSES, "max_output_tokens"),
    ],
)
def test_t28_the_cap_has_the_name_that_dialect_model_and_caller_use(
    body: dict[str, Any], dialect: Dialect, name: str
) -> None:
    edit = _edit(view_of(body, dialect), BOOLEAN)
    assert edit.path == (name,)


def test_t28_an_unknown_models_cap_has_an_unknown_name() -> None:
    note = _one(view_of(chat("x", model="who-knows"), Dialect.OPENAI_CHAT), BOOLEAN)
    assert note == Note("cap", "the model is unknown, and so is the name of its cap")


def test_a_cap_is_no_smaller_than_the_provider_accepts() -> None:
    assert _edit(view_of({"model": "gpt-4.1", "input": "x"}, Dialect.OPENAI_RESPONSES), BOOLEAN).value == b"16"


def test_several_answers_at_once_and_predicted_outputs_are_left_alone() -> None:
    several = _one(view_of(chat("x", model="gpt-4o", n=3), Dialect.OPENAI_CHAT), BOOLEAN)
    predicted = _one(view_of(chat("x", model="gpt-4o", prediction={"type": "content"}), Dialect.OPENAI_CHAT), BOOLEAN)
    assert isinstance(several, Note)
    assert isinstance(predicted, Note)


def test_a_learnt_cap_shows_its_arithmetic_and_saves_on_runaways() -> None:
    view = view_of(messages("x", model=HAIKU))
    edit = _edit(view, LEARNT, with_lengths(view, [50] * 1000, [4096]))
    assert isinstance(edit.saving, int)
    assert edit.value == b"60"
    assert edit.saving > 0
    assert "1.2 x 50, which all but 1% of 1,000 answers" in edit.why


def test_a_cap_that_would_lose_is_widened_until_it_cuts_nothing_honest() -> None:
    """Two of 1,000 are three times as long: within the 1 percent, but each would cost a second try."""
    view = view_of(messages("x", model=HAIKU))
    edit = _edit(view, LEARNT, with_lengths(view, [50] * 998 + [150] * 2))
    assert edit.value == b"180"
    assert edit.saving == 0
    assert "would cost more in second tries than it saves" in edit.why


def test_t26_a_request_that_reasons_gets_headroom_and_none_when_it_streams() -> None:
    view = view_of({**messages("x", thinking={"type": "adaptive"}), "max_tokens": 32000})
    evidence = with_lengths(view, [1000] * 300)
    assert int(_edit(view, LEARNT, evidence).value) >= 1.2 * 1.5 * 1000
    streaming = _one(view, LEARNT, evidence, retries=False)
    assert streaming == Note("cap", "reasoning counts against the cap, and a streamed answer cannot be asked for again")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 4000), min_size=59, max_size=120),
    st.lists(st.integers(1, 4000), max_size=10),
    st.booleans(),
)
def test_no_cap_is_ever_expected_to_lose(whole: list[int], cut: list[int], tools: bool) -> None:
    more: dict[str, Any] = {"tools": [{"name": "t", "input_schema": {}}]} if tools else {}
    view = view_of({**messages("x" * 400, model=HAIKU, **more), "max_tokens": 8000})
    facts = facts_of(view, LEARNT, with_lengths(view, whole, cut))
    plan = optimise(view, facts, [Lever("cap", propose)])
    assert all(not isinstance(edit.saving, int) or edit.saving >= 0 for edit in plan.edits)
    if plan.edits:
        assert plan.planned.cap is not None
        assert plan.planned.cap[1] < 8000
