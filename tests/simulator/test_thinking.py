from __future__ import annotations

from typing import Any

import pytest

from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.simulator.thinking import MEDIAN, effort_of, thinking_tokens, thinks


def profile(model: str) -> Profile:
    found = profile_of(model)
    assert isinstance(found, Profile)
    return found


@pytest.mark.parametrize(
    ("model", "body", "expected"),
    [
        ("claude-sonnet-4-5", {}, False),
        ("claude-sonnet-4-5", {"thinking": {"type": "enabled", "budget_tokens": 2000}}, True),
        ("claude-opus-5-5", {}, True),
        ("gpt-4o-mini", {"reasoning_effort": "high"}, False),
        ("gpt-5", {}, True),
        ("gpt-5.4", {}, False),
        ("gpt-5.4", {"reasoning_effort": "low"}, True),
        ("gpt-6.1-sol", {"reasoning": {"effort": "none"}}, False),
    ],
)
def test_a_model_thinks_when_the_request_or_its_default_says_so(
    model: str, body: dict[str, Any], expected: bool
) -> None:
    assert thinks(body, profile(model)) is expected


def test_the_effort_is_the_requests_else_the_models() -> None:
    assert effort_of({"output_config": {"effort": "max"}}, profile("claude-opus-5-5")) == "max"
    assert effort_of({}, profile("claude-opus-5-5")) == "medium"
    assert effort_of({"reasoning": {"effort": "odd"}}, profile("gpt-5")) == "medium"


def test_more_effort_means_more_thinking_and_the_same_prompt_the_same() -> None:
    model = profile("gpt-6.1-sol")

    def median(effort: str) -> int:
        drawn = sorted(thinking_tokens({"reasoning": {"effort": effort}}, model, bytes([n]) * 16, 0) for n in range(60))
        return drawn[30]

    assert MEDIAN["low"] * 0.7 < median("low") < median("medium") < median("high") < median("xhigh")
    assert thinking_tokens({}, model, bytes(16), 0) == thinking_tokens({}, model, bytes(16), 0)


def test_a_budget_is_kept() -> None:
    body = {"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "max"}}
    drawn = [thinking_tokens(body, profile("claude-opus-4-5"), bytes([n]) * 16, 0) for n in range(30)]
    assert max(drawn) == 1024
