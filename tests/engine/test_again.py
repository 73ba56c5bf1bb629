from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.wire.dialect import Dialect
from tests.playbook import Playbook, Record, Send, answer, chat, chat_answer, incoming, messages, sent

ROUTED = """
mode = "apply"
holdback.share = 0.0
[tasks.t.route]
model = "claude-haiku-4-5"
verify = ["json"]
"""


def _play(policy: str = ROUTED, **more: Any) -> tuple[Playbook, Any]:
    return Playbook(policy=policy), incoming(messages("as JSON", model="claude-opus-5"), task="t", **more)


def test_an_answer_that_passes_its_checks_is_shown_and_nothing_else_is_sent() -> None:
    play, request = _play()
    play >> request
    first = play << Send
    assert (first.model, first.buffer) == ("claude-haiku-4-5", True)
    play >> answer('{"ok": true}')
    call = (play << Record).call
    assert (call.model_asked, call.model_sent, call.extra_sends) == ("claude-opus-5", "claude-haiku-4-5", ())
    assert play.context.evidence.escalations.by_key[("t", "claude-haiku-4-5")].tried == 1


def test_an_answer_that_fails_a_check_is_asked_of_the_clients_model_with_the_clients_bytes() -> None:
    play, request = _play()
    play >> request
    play << Send
    play >> answer("Sure, here it is", plain=40, output=10)
    second = play << Send
    assert (second.body, second.model, second.purpose) == (request.raw, "claude-opus-5", "escalation")
    play >> answer('{"ok": true}', plain=40, output=12)
    call = (play << Record).call
    (extra,) = call.extra_sends
    assert (extra.purpose, extra.model, extra.reason) == ("rejected", "claude-haiku-4-5", "json: the text is not JSON")
    assert extra.cost == 40 * 1_000_000 + 10 * 5_000_000
    assert call.cost == 40 * 5_000_000 + 12 * 25_000_000
    assert call.cost_all == extra.cost + call.cost
    assert call.saved == -extra.cost
    assert play.context.evidence.escalations.by_key[("t", "claude-haiku-4-5")].failed == {"json": 1}


def test_a_streaming_caller_is_never_shown_two_answers() -> None:
    play, request = _play(streamed_to_caller=True)
    play >> request
    assert (play << Send).buffer
    play >> answer("not json")
    assert (play << Send).buffer
    play >> answer("{}")
    play << Record
    assert play.outcome is not None
    assert b'"text": "{}"' in (play.outcome.sent.body or b"")


def test_a_second_answer_is_shown_whatever_it_is() -> None:
    play, request = _play()
    call = play.call(request, answer("no"), answer("still no")).call
    assert (call.model_sent, len(call.extra_sends)) == ("claude-opus-5", 1)


def test_without_a_cascade_the_answer_is_not_held_back_or_checked() -> None:
    play, request = _play(ROUTED + "cascade = false", streamed_to_caller=True)
    play >> request
    assert not (play << Send).buffer
    play >> answer("not json")
    assert (play << Record).call.extra_sends == ()


def test_a_named_fallback_gets_the_clients_request_in_its_own_terms() -> None:
    play, request = _play(ROUTED + 'fallback = "claude-sonnet-4-6"')
    play >> request
    play << Send
    play >> answer("no")
    second = play << Send
    assert json.loads(second.body) == messages("as JSON", model="claude-sonnet-4-6")


def test_a_fallback_that_cannot_take_the_request_is_the_clients_model() -> None:
    play, request = _play(ROUTED + 'fallback = "who-knows"')
    play >> request
    play << Send
    play >> answer("no")
    assert (play << Send).body == request.raw


@pytest.mark.parametrize("status", [429, 503, 529])
def test_a_routed_model_that_is_overloaded_gives_way_to_the_clients_own(status: int) -> None:
    play, request = _play()
    play >> request
    play << Send
    play >> sent({"type": "error"}, status=status)
    second = play << Send
    assert (second.body, second.purpose) == (request.raw, "escalation")
    play >> answer("anything")
    (extra,) = (play << Record).call.extra_sends
    assert (extra.purpose, extra.reason) == ("unavailable", f"claude-haiku-4-5 answered {status}")


def test_an_overloaded_model_that_the_client_asked_for_is_the_clients_own_affair() -> None:
    play = Playbook(policy='mode = "apply"\nholdback.share = 0.0')
    assert play.call(incoming(messages("x")), sent({}, status=529)).call.extra_sends == ()


def test_t27_a_cut_answer_of_a_routed_and_capped_task_gets_its_cap_lifted_and_is_then_checked() -> None:
    policy = ROUTED + '[tasks.t.cap]\noutput = "boolean"'
    play, request = _play(policy)
    play >> request
    assert json.loads((play << Send).body)["max_tokens"] == 10
    play >> answer('{"ok": tr', stop="max_tokens", output=10)
    lifted = play << Send
    assert (lifted.model, json.loads(lifted.body)["max_tokens"]) == ("claude-haiku-4-5", 4096)
    play >> answer("no json")
    assert (play << Send).body == request.raw
    play >> answer("{}")
    assert [extra.purpose for extra in (play << Record).call.extra_sends] == ["truncated", "rejected"]


def test_the_holdback_arm_is_never_asked_twice() -> None:
    play, request = _play(ROUTED.replace("0.0", "1.0"))
    call = play.call(request, answer("no json")).call
    assert (call.arm, call.extra_sends) == ("holdback", ())


def test_a_cascade_works_in_the_openai_dialects_too() -> None:
    policy = ROUTED.replace("claude-haiku-4-5", "gpt-4.1-mini")
    play = Playbook(policy=policy)
    request = incoming(chat("as JSON"), Dialect.OPENAI_CHAT, task="t")
    call = play.call(request, chat_answer("no", stop="length"), chat_answer("{}")).call
    assert call.extra_sends[0].reason == "truncated: the answer was cut"
