from __future__ import annotations

import json
from typing import Any

from penstock.engine.call import Outcome
from penstock.engine.steps import Record, Send, Sent
from penstock.wire.dialect import Dialect
from tests.engine.provider import Provider
from tests.playbook import NOW, Playbook, incoming, messages, sent

ASK = 'mode = "apply"\nholdback.share = 0.0\n[defaults.cache]\ndiagnostics = true\n'
CHANGED = {"cache_miss_reason": {"type": "system_changed", "cache_missed_input_tokens": 5000}}
RULES = "What each side owes the other, clause by clause, and by when. " * 400


def reply(number: int, diagnostics: Any = None) -> Sent:
    return sent(
        {
            "id": f"msg_{number}",
            "model": "claude-opus-5-5",
            "content": [{"type": "text", "text": "ok"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 10, "output_tokens": 5},
            "diagnostics": diagnostics,
        },
        at=NOW,
    )


def ask(play: Playbook, answer: Sent, *turns: str, **more: Any) -> tuple[Send, Outcome]:
    given = {"hides_diagnosis": True, "task": "t", **more}
    body = given.pop("body", None) or messages(*turns)
    play >> incoming(body, **given)
    send = play << Send
    play >> answer
    play << Record
    assert play.outcome is not None
    return send, play.outcome


def asked(send: Send) -> Any:
    return json.loads(send.body).get("diagnostics", "nothing")


def test_a_turn_is_compared_with_the_answer_before_it_in_its_session() -> None:
    play = Playbook(policy=ASK)
    first, _ = ask(play, reply(1), "one", session="s")
    ask(play, reply(2), "one", session="other")
    second, outcome = ask(play, reply(3, CHANGED), "one", "ok", "two", session="s")
    assert (asked(first), asked(second)) == ({"previous_message_id": None}, {"previous_message_id": "msg_1"})
    assert first.diagnosed
    assert second.diagnosed
    assert outcome.call.diagnosis is not None
    assert (outcome.call.diagnosis.reason, outcome.call.diagnosis.missed) == ("system_changed", 5000)


def test_without_a_session_the_turns_of_a_conversation_are_known_by_its_first_message() -> None:
    play = Playbook(policy=ASK)
    ask(play, reply(1), "one")
    ask(play, reply(2), "another")
    later, outcome = ask(play, reply(3), "one", "ok", "two")
    assert asked(later) == {"previous_message_id": "msg_1"}
    assert outcome.call.diagnosis is not None
    assert outcome.call.diagnosis.word == "reusable"


def test_a_caller_who_asks_by_itself_keeps_its_question_and_its_answer_is_only_read() -> None:
    play = Playbook(policy=ASK)
    body = {**messages("one"), "diagnostics": {"previous_message_id": "msg_0"}}
    send, outcome = ask(play, reply(1, CHANGED), body=body)
    assert send.body == json.dumps(body).encode()
    assert not send.diagnosed
    assert outcome.call.diagnosis is not None
    assert outcome.call.diagnosis.reason == "system_changed"


def test_nothing_is_asked_unless_the_policy_applies_says_so_and_the_driver_hides_it() -> None:
    for policy, more in (
        ("", {}),
        ('mode = "apply"\nholdback.share = 0.0\n', {}),
        (ASK.replace("apply", "observe"), {}),
        (ASK.replace("0.0", "1.0"), {}),
        (ASK, {"bypass": True}),
        (ASK, {"hides_diagnosis": False}),
        (ASK, {"body": messages("one", model="some-model")}),
    ):
        send, _ = ask(Playbook(policy=policy), reply(1), "one", **more)
        assert asked(send) == "nothing"
        assert not send.diagnosed


def test_chat_completions_are_left_as_they_are() -> None:
    body = {"model": "gpt-6.1-sol", "messages": [{"role": "user", "content": "hi"}]}
    send, _ = ask(Playbook(policy=ASK), sent({"id": "c"}, at=NOW), body=body, dialect=Dialect.OPENAI_CHAT)
    assert json.loads(send.body) == body


def test_a_provider_that_refuses_the_question_gets_the_request_without_it_and_is_not_asked_again() -> None:
    play = Playbook(policy=ASK)
    play >> incoming(messages("one"), hides_diagnosis=True)
    first = play << Send
    play >> Sent(status=400, started_at=NOW, ended_at=NOW, error_kind="invalid_request_error")
    second = play << Send
    play >> reply(1)
    play << Record
    assert asked(first) == {"previous_message_id": None}
    assert json.loads(second.body) == messages("one")
    assert play.outcome is not None
    (extra,) = play.outcome.call.extra_sends
    assert (extra.purpose, extra.cost) == ("refused", 0)
    assert extra.reason == "the provider answered 400 with cache diagnostics asked"
    assert asked(ask(play, reply(2), "one", "ok", "two")[0]) == "nothing"


def test_a_request_that_is_refused_either_way_is_no_refusal_of_the_question() -> None:
    play = Playbook(policy=ASK)
    play >> incoming(messages("one"), hides_diagnosis=True)
    for _ in range(2):
        play << Send
        play >> Sent(status=400, started_at=NOW, ended_at=NOW, error_kind="invalid_request_error")
    play << Record
    assert asked(ask(play, reply(2), "two")[0]) == {"previous_message_id": None}


def test_edits_are_not_blamed_for_a_refusal_that_the_question_may_have_caused() -> None:
    play = Playbook(policy=ASK + "[defaults.cap]\nmax_output = 7\n")
    for _ in range(4):
        play >> incoming(messages("one"), hides_diagnosis=True)
        play << Send
        play >> Sent(status=400, started_at=NOW, ended_at=NOW, error_kind="invalid_request_error")
        play << Send
        play >> reply(1)
        play << Record
        play.context.comparisons.declined.clear()
    assert not play.context.stands_down("t")
    assert play.context.failures["edits: refused by the provider"] == 0


def test_the_alarm_names_what_the_provider_itself_gives_as_reasons() -> None:
    provider = Provider(ASK)
    provider.lifetimes = 0.01
    provider.says = CHANGED
    system = [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}]
    body = messages("Who pays?", system=system)
    while not provider.calls or not provider.calls[-1].alarm:
        assert len(provider.calls) < 30
        provider.ask(body, after=60.0, hides_diagnosis=True)
    broken = len(provider.calls) - 1
    assert f"; its own diagnostics say system_changed ({broken})" in provider.calls[-1].alarm
    (note,) = [
        one for one in provider.ask(messages("Who pays?", system=RULES), after=60.0).notes if one.lever == "cache"
    ]
    assert "its own diagnostics say system_changed" in note.why
