from __future__ import annotations

import re
from typing import Any

import pytest

from penstock.levers.cache.unwritten import why_unwritten
from tests.levers.cache.prompts import CLAUDE, GPT, LONG, Traffic, anthropic, chat, view_of


def _why(body: dict[str, Any], traffic: Traffic | None = None) -> str:
    traffic = traffic if traffic is not None else Traffic()
    view = view_of(body)
    return why_unwritten(view, traffic.facts(view))


def test_a_prompt_that_never_comes_again_is_said_with_the_chance_that_it_would_need() -> None:
    traffic = Traffic()
    for number in range(60):
        traffic.send(anthropic(system=f"{number} {LONG}", turns=(f"{number}?",)), after=60.0)
    body = anthropic(system=f"new {LONG}", turns=("new?",))
    assert traffic.edits(body) == []
    why = _why(body, traffic)
    found = re.fullmatch(
        r"the first ([\d,]+) tokens are expected to be read again within (5m|1h) with (\d+)%, and writing them at "
        r"([\d.]+)x pays from (\d+)% on; it would lose \$[\d.]+",
        why,
    )
    assert found is not None, why
    assert int(found[3]) < int(found[5])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (anthropic(model="some-model"), "nothing is promised for it"),
        (anthropic(system="Be brief."), "shorter than the shortest cached prefix"),
        (chat(model="gpt-4.1"), "writing costs nothing on this model"),
        ({**chat(model=GPT), "prompt_cache_options": {"mode": "explicit"}}, "the caller has chosen a cache mode"),
        (chat(model=GPT), "explicit mode would gain less than half a percent"),
    ],
)
def test_every_other_reason_is_said(body: dict[str, Any], expected: str) -> None:
    assert expected in _why(body)


def test_a_caller_with_four_markers_leaves_no_place() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": f"{number} {LONG}", **mark} for number in range(4)]
    assert _why(anthropic(system=system, model=CLAUDE)) == "the caller's own 4 markers take every place"
