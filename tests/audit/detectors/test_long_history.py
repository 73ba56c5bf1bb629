from __future__ import annotations

from typing import Any

from penstock.audit.detectors.long_history import find
from penstock.audit.finding import Measure
from penstock.policy.load import load_policy
from penstock.replay.driver import replay
from penstock.wire.recorded import RecordedCall
from tests.audit.traffic import START, Provider, audit_input, words


def conversation(turns: int, *, tokens: int = 2_000, marked: bool = False, gap_s: float = 60.0) -> list[RecordedCall]:
    """One conversation whose every turn brings so many tokens, cached with a marker on the newest turn or not."""
    provider = Provider()
    messages: list[dict[str, Any]] = []
    calls = []
    for k in range(turns):
        block: dict[str, Any] = {"type": "text", "text": words(tokens, f"u{k:03d}x")}
        asked = {**block, "cache_control": {"type": "ephemeral"}} if marked else block
        messages.append({"role": "user", "content": [block]})
        body = {
            "model": "claude-opus-5",
            "max_tokens": 500,
            "system": "Help.",
            "messages": [*messages[:-1], {"role": "user", "content": [asked]}],
        }
        calls.append(provider.call(body, START + k * gap_s, session="one"))
        messages.append({"role": "assistant", "content": f"answer {k}"})
    return calls


def test_a_long_conversation_is_a_question_with_what_was_billed_for_the_turns_left_out() -> None:
    (found,) = find(audit_input(conversation(40, gap_s=900.0)))
    assert (found.kind, found.measure) == ("long_history", Measure.QUESTION)
    assert found.fix == found.opt_in == {}
    assert found.gated["trim"] == {"enabled": True, "window_tokens": 17_000}
    assert found.gated["gate"]["edits"] == ["trim"]
    assert isinstance(found.dollars, int)
    assert found.dollars > 0


def test_the_figure_is_near_what_the_lever_saves_in_a_replay() -> None:
    calls = conversation(40, gap_s=4000.0)
    (found,) = find(audit_input(calls))
    policy = load_policy(
        "[levers]\ncache = false\ncap = false\n[tasks.triage.trim]\nwindow_tokens = 17000\nretrieved_tokens = 900000\n"
    )
    saved = replay(calls, policy).total.saving
    assert isinstance(found.dollars, int)
    assert abs(found.dollars - saved) < 0.15 * saved


def test_history_that_a_cache_has_or_could_have_saves_only_what_reading_it_costs() -> None:
    (rare,) = find(audit_input(conversation(40, gap_s=4000.0)))
    cached, could_be = (find(audit_input(conversation(40, marked=marked))) for marked in (True, False))
    assert isinstance(rare.dollars, int)
    for one in (*cached, *could_be):
        assert isinstance(one.dollars, int)
        assert 0 <= one.dollars < 0.15 * rare.dollars


def test_short_conversations_and_single_long_prompts_are_no_finding() -> None:
    assert find(audit_input(conversation(6))) == []
    assert find(audit_input(conversation(1, tokens=60_000))) == []
