from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.call import UNLABELLED
from penstock.engine.context import EngineContext
from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.engine.pipeline import Lever
from penstock.money import Picodollars
from penstock.policy.load import load_policy
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Basis
from penstock.wire.view import View
from tests.playbook import NOW, Playbook, Record, Send, answer, chat, chat_answer, incoming, messages, sent

APPLY = 'mode = "apply"\nholdback.share = 0.0\n'


def _tagging(view: View, facts: Facts) -> list[Edit]:
    """A lever that changes one harmless key."""
    return [
        Edit(
            lever="cache",
            path=("metadata",),
            action=Action.SET,
            value=b'{"user_id":"x"}',
            why="a test",
            saving=Picodollars(5),
            risk=Risk.EXACT,
        )
    ]


def _context(policy: str = APPLY, *levers: Any) -> EngineContext:
    return EngineContext(load_policy(policy), levers=[Lever("cache", lever) for lever in levers])


def test_a_fresh_engine_sends_the_clients_bytes_and_records_the_call() -> None:
    play = Playbook()
    request = incoming(messages("hello"), task="greet", session="s", tags={"team": "a"})
    play >> request
    step = play << Send
    assert step.body is request.raw
    assert (step.model, step.buffer, step.purpose) == ("claude-opus-5-5", False, "call")
    play >> answer("hi", plain=250, output=3)
    call = (play << Record).call
    assert play.ended
    assert (call.arm, call.task, call.session, call.tags) == ("observe", "greet", "s", {"team": "a"})
    assert call.cost == 250 * 4_000_000 + 3 * 20_000_000 == call.cost_before
    assert (call.basis, call.basis_before, call.finish, call.response_id) == (
        Basis.PROVIDER, Basis.PROVIDER, "stop", "msg_1",
    )  # fmt: skip
    assert (call.latency_ms, call.ttft_ms, call.request_bytes) == (1000.0, 500.0, len(request.raw))
    assert play.outcome is not None
    assert play.outcome.sent.status == 200


def test_observe_mode_plans_and_sends_the_clients_bytes() -> None:
    play = Playbook(_context("", _tagging))
    outcome = play.call(incoming(messages("hello")), answer())
    assert outcome.plan is not None
    assert outcome.plan.body != outcome.plan.sent_body
    assert [edit.lever for edit in outcome.call.edits] == ["cache"]
    assert outcome.call.arm == "observe"
    assert outcome.call.saved == 0


def test_apply_mode_sends_the_planned_bytes() -> None:
    play = Playbook(_context(APPLY, _tagging))
    play >> incoming(messages("hello"))
    assert json.loads((play << Send).body)["metadata"] == {"user_id": "x"}
    play >> answer()
    assert (play << Record).call.arm == "treated"


def test_the_holdback_arm_sends_the_clients_bytes_and_keeps_the_plan() -> None:
    play = Playbook(_context('mode = "apply"\nholdback.share = 1.0', _tagging))
    request = incoming(messages("hello"))
    play >> request
    assert (play << Send).body is request.raw
    play >> answer()
    call = (play << Record).call
    assert (call.arm, len(call.edits), call.saved) == ("holdback", 1, 0)


def test_a_bypassed_call_is_not_planned() -> None:
    play = Playbook(_context(APPLY, _tagging))
    request = incoming(messages("hello"), bypass=True)
    play >> request
    assert (play << Send).body is request.raw
    play >> answer()
    call = (play << Record).call
    assert (call.arm, call.edits) == ("bypass", ())


def test_a_body_that_cannot_be_read_goes_through_as_it_came() -> None:
    play = Playbook(_context(APPLY, _tagging))
    request = incoming(b'{"model": 3, "messages": [')
    play >> request
    assert (play << Send).body is request.raw
    play >> sent({"type": "error", "error": {"type": "invalid_request_error"}}, status=400)
    call = (play << Record).call
    assert (call.status, call.task, call.cost, call.edits) == (400, UNLABELLED, 0, ())


def test_a_lever_that_raises_is_counted_and_the_call_goes_on() -> None:
    def broken(view: View, facts: Facts) -> list[Edit]:
        raise KeyError("secret prompt text")

    play = Playbook(_context(APPLY, broken))
    outcome = play.call(incoming(messages("hello")), answer())
    assert outcome.call.failures == ("cache: KeyError",)
    assert play.context.failures == {"cache: KeyError": 1}
    assert outcome.sent.status == 200


def test_an_edited_request_that_the_provider_refuses_is_sent_again_as_it_came() -> None:
    play = Playbook(_context(APPLY, _tagging))
    request = incoming(messages("hello"))
    play >> request
    play << Send
    play >> sent({"type": "error", "error": {"type": "invalid_request_error"}}, status=400)
    again = play << Send
    assert (again.body, again.purpose) == (request.raw, "retry")
    play >> answer()
    call = (play << Record).call
    assert (call.status, call.extra_sends[0].purpose, call.extra_sends[0].cost) == (200, "refused", 0)
    assert call.cost_before == call.cost


def test_a_request_of_the_client_that_the_provider_refuses_is_not_sent_twice() -> None:
    outcome = Playbook(_context(APPLY)).call(incoming(messages("hello")), sent({}, status=400))
    assert (outcome.call.status, outcome.call.extra_sends) == (400, ())


def test_a_call_without_an_answer_has_an_unknown_cost() -> None:
    outcome = Playbook().call(incoming(messages("x")), sent(None, status=None, error_kind="connect"))
    assert (outcome.call.cost, outcome.call.error_kind) == (0, "connect")


def test_an_answer_without_usage_has_an_unknown_cost() -> None:
    outcome = Playbook().call(incoming(messages("x")), sent({"id": "m", "content": []}))
    assert (outcome.call.usage, outcome.call.cost) == (None, None)


def test_a_driver_that_gives_up_is_a_call_without_an_answer() -> None:
    play = Playbook()
    play >> incoming(messages("x"))
    play << Send
    play >> None
    assert (play << Record).call.error_kind == "not_sent"


def test_the_answering_snapshot_is_billed_and_an_unheard_of_one_is_billed_as_asked() -> None:
    play = Playbook()
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000}
    known = play.call(
        incoming(chat("x", model="gpt-6.1-sol"), Dialect.OPENAI_CHAT),
        chat_answer(usage=usage, model="gpt-6-luna-2026-09-22"),
    )
    assert known.call.cost == 1000 * 100_000
    strange = play.call(incoming(chat("x"), Dialect.OPENAI_CHAT), chat_answer(usage=usage, model="internal-17"))
    assert strange.call.cost == 1000 * 2_000_000


def test_what_is_learnt_waits_for_the_next_call() -> None:
    play = Playbook()
    for number in range(3):
        play.call(incoming(messages("hello"), task="t"), answer(output=10 + number, at=NOW + number))
    lengths = next(iter(play.context.evidence.lengths.by_key.values()))
    assert lengths.whole == {10: 1, 11: 1, 12: 1}
    assert play.context.evidence.calibration.by_model["claude-opus-5-5"].calls == 3


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(list(Dialect)), st.none() | st.integers(100, 599))
def test_no_request_and_no_answer_breaks_a_call(raw: bytes, dialect: Dialect, status: int | None) -> None:
    play = Playbook(_context(APPLY, _tagging))
    play >> incoming(raw, dialect)
    while not play.ended:
        if isinstance(play._next, Send):
            play << Send
            play >> sent(None, status=status)
        else:
            play << Record
    assert play.outcome is not None


@pytest.mark.parametrize("dialect", list(Dialect))
def test_every_dialect_reaches_its_provider(dialect: Dialect) -> None:
    body: dict[str, Any] = {"model": "m"}
    body["input" if dialect is Dialect.OPENAI_RESPONSES else "messages"] = [{"role": "user", "content": "hi"}]
    play = Playbook()
    play >> incoming(body, dialect)
    assert (play << Send).dialect is dialect


def _capped(stream: bool = False) -> tuple[Playbook, Any]:
    play = Playbook(policy=APPLY + '[tasks.t.cap]\noutput = "boolean"')
    body = messages("yes or no?", model="claude-haiku-4-5", **({"stream": True} if stream else {}))
    return play, incoming(body, task="t", streamed_to_caller=stream)


def test_t27_an_answer_cut_at_our_cap_is_asked_for_again_without_it() -> None:
    play, request = _capped()
    play >> request
    assert json.loads((play << Send).body)["max_tokens"] == 10
    play >> answer("It dep", stop="max_tokens", output=10, plain=40)
    again = play << Send
    assert (json.loads(again.body)["max_tokens"], again.purpose) == (4096, "retry")
    play >> answer("It depends.", output=14, plain=40)
    call = (play << Record).call
    (extra,) = call.extra_sends
    assert (extra.purpose, extra.reason) == ("truncated", "the answer was cut at our cap")
    assert extra.cost == 40 * 1_000_000 + 10 * 5_000_000
    assert call.finish == "stop"
    lengths = next(iter(play.context.evidence.lengths.by_key.values()))
    assert (lengths.whole, lengths.cut, lengths.ours, lengths.ours_cut) == ({14: 1}, {}, 1, 1)


def test_t27_a_streamed_answer_cut_at_our_cap_is_shown_and_counted_as_cut() -> None:
    play, request = _capped(stream=True)
    call = play.call(request, answer("It dep", stop="max_tokens", output=10)).call
    assert (call.finish, call.extra_sends) == ("length", ())
    lengths = next(iter(play.context.evidence.lengths.by_key.values()))
    assert (lengths.whole, lengths.cut, lengths.ours_cut) == ({}, {10: 1}, 1)


def test_t27_an_answer_cut_twice_is_not_asked_for_a_third_time() -> None:
    play, request = _capped()
    cut = answer("It dep", stop="max_tokens", output=10)
    call = play.call(request, cut, cut).call
    assert (len(call.extra_sends), call.finish) == (1, "length")


def test_a_task_whose_edits_are_refused_three_times_in_a_row_is_left_alone_and_probed() -> None:
    play = Playbook(_context(APPLY, _tagging))
    refused, fine = sent({}, status=400), answer()
    for _ in range(3):
        play.call(incoming(messages("hello"), task="t"), refused, fine)
    assert play.context.failures == {"edits: refused by the provider": 3}
    edited = [bool(play.call(incoming(messages("hello"), task="t"), fine).call.edits) for _ in range(60)]
    assert edited == [False] * 49 + [True] * 11
    assert play.call(incoming(messages("hello"), task="other"), fine).call.edits


def test_a_refusal_between_accepted_requests_changes_nothing() -> None:
    play = Playbook(_context(APPLY, _tagging))
    for _ in range(4):
        play.call(incoming(messages("hello"), task="t"), sent({}, status=400), answer())
        assert play.call(incoming(messages("hello"), task="t"), answer()).call.edits


def test_a_request_that_is_wrong_without_us_too_is_not_held_against_our_edits() -> None:
    play = Playbook(_context(APPLY, _tagging))
    for _ in range(5):
        call = play.call(incoming(messages("hello"), task="t"), sent({}, status=400), sent({}, status=400)).call
        assert call.status == 400
    assert play.context.failures == {}
    assert play.call(incoming(messages("hello"), task="t"), answer()).call.edits
