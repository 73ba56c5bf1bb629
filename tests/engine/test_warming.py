from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.call import run_call
from penstock.engine.record import Call
from penstock.engine.steps import Hold, Send, Warm
from penstock.engine.warming import MOST
from penstock.money import Picodollars
from tests.engine.provider import Provider
from tests.playbook import answer, incoming, messages, sent

RULES = "What each side owes the other, clause by clause, and by when. " * 400
APPLY = 'mode = "apply"\nholdback.share = 0.0\n'
KEEP = APPLY + "[tasks.t.cache]\nkeep_alive = true\n"
PREWARM = APPLY + "[tasks.t.cache]\nprewarm = true\nhold_ms = 3000\n"


def _body(n: int = 0, **more: Any) -> dict[str, Any]:
    """A request whose client marks the system prompt by itself."""
    system = [{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}]
    return messages(f"Question {n}?", system=system, **more)


def _paid(calls: list[Call]) -> int:
    costs = [call.cost_all for call in calls]
    return sum(cost for cost in costs if cost is not None)


def _every(provider: Provider, gap: float, calls: int) -> list[int]:
    """Calls at a steady pace; the keep-alive requests between them."""
    requests = []
    for n in range(calls):
        provider.ask(_body(n), after=0.0)
        requests.append(provider.idle(gap))
    return requests


def test_nothing_is_warmed_unless_the_task_s_policy_says_so() -> None:
    provider = Provider(APPLY)
    assert sum(_every(provider, 600.0, 10)) == 0
    assert len(provider.play.context.warming) == 0


def test_a_task_that_comes_back_after_its_entry_is_gone_is_kept_alive_and_costs_less() -> None:
    provider, alone = Provider(KEEP), Provider(APPLY)
    requests = _every(provider, 600.0, 40)
    _every(alone, 600.0, 40)
    assert requests[0] == 0
    assert set(requests[5:]) == {2}
    assert all(call.usage is not None and call.usage.cache_read > 4000 for call in provider.calls[5:])
    assert all(call.usage is not None and call.usage.cache_read == 0 for call in alone.calls)
    assert _paid(provider.calls[10:]) < 0.45 * _paid(alone.calls[10:])


def test_t10_each_request_is_sent_before_the_entry_is_gone_and_verified_by_its_own_usage() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 10)
    sends = [extra for call in provider.calls for extra in call.extra_sends]
    assert {extra.purpose for extra in sends} == {"keep_alive"}
    assert all(extra.usage is not None and extra.usage.cache_read > 4000 for extra in sends)
    assert all("request 1 of at most" in sends[n].reason for n in (0, 2))


def test_t14_a_task_that_comes_back_too_late_to_pay_is_not_kept_alive() -> None:
    provider = Provider(KEEP)
    assert sum(_every(provider, 4 * 3600.0, 12)) == 0
    assert all(call.extra_sends == () for call in provider.calls)


def test_prefixes_that_still_wait_count_while_they_wait() -> None:
    provider = Provider(KEEP)
    requests = 0
    for n in range(60):
        system = [{"type": "text", "text": f"{n} " + RULES, "cache_control": {"type": "ephemeral"}}]
        provider.ask(messages("One?", system=system), after=0.0)
        requests += provider.idle(400.0, step=30.0)
        if n % 20 == 0:  # of twenty prefixes one is used again, while the others still wait
            provider.ask(messages("Two?", system=system), after=0.0)
    assert requests <= 2


def test_a_renewed_entry_is_foreseen_at_the_next_call() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 10)
    call = provider.calls[-1]
    assert call.predicted is not None
    assert call.usage is not None
    assert call.predicted.cache_read == pytest.approx(call.usage.cache_read, rel=0.1)


def test_a_task_that_nobody_comes_back_to_is_given_up() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 12)
    assert provider.idle(24 * 3600.0, step=60.0) <= 12
    assert len(provider.play.context.warming) == 0


def test_a_request_that_does_not_read_is_the_last_one_and_says_so() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 10)
    provider.lifetimes = 0.1
    provider.ask(_body(10), after=0.0)
    assert provider.idle(3000.0) == 1
    provider.ask(_body(11))
    (lost,) = provider.calls[-1].extra_sends
    assert lost.usage is not None
    assert lost.usage.cache_read == 0
    assert "stopped, since it did not read" in lost.reason


def test_what_was_spent_is_booked_against_the_saving_of_the_next_treated_call() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 10)
    call = provider.ask(_body())
    spent = [extra.cost for extra in call.extra_sends]
    assert len(spent) == 2
    assert all(spent)
    assert call.saved is not None
    assert call.cost is not None
    assert call.cost_before is not None
    assert call.saved == call.cost_before - call.cost - sum(cost for cost in spent if cost is not None)
    assert provider.ask(_body()).extra_sends == ()


def test_what_no_call_followed_is_booked_in_a_record_of_its_own_at_the_close() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 10)
    warming = provider.play.context.warming
    (record,) = warming.unbooked(lambda: "own-1", provider.at)
    assert (record.id, record.task, record.arm) == ("own-1", "t", "own")
    assert record.saved is not None
    assert record.saved < 0
    assert record.cost == Picodollars(0)
    assert warming.unbooked(lambda: "own-2", provider.at) == []


def test_a_refused_request_ends_warming_for_the_task_and_the_model() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 10)
    provider.ask(_body(10), after=271.0)
    context = provider.play.context
    (warm,) = context.warming.due(provider.at)
    context.warmed(warm, sent({"type": "error"}, status=400, at=provider.at))
    assert context.warming.refused == {("t", "claude-opus-5-5")}
    assert sum(_every(provider, 600.0, 5)) == 0


def test_a_driver_that_cannot_send_ends_it_and_nothing_is_booked() -> None:
    provider = Provider(KEEP)
    _every(provider, 600.0, 10)
    provider.ask(_body(10), after=271.0)
    context = provider.play.context
    (warm,) = context.warming.due(provider.at)
    assert context.warming.due(provider.at) == []
    context.warmed(warm, None)
    assert context.warming.due(provider.at + 300.0) == []
    assert context.warming.book("t") == ()


def test_a_conversation_s_turns_follow_each_other_as_uses_of_one_prefix() -> None:
    provider = Provider(KEEP)
    turns: list[Any] = []
    for n in range(14):
        turns.append({"role": "user", "content": [{"type": "text", "text": RULES[: 4000 + n]}]})
        marked = [
            *turns[:-1],
            {"role": "user", "content": [{**turns[-1]["content"][0], "cache_control": {"type": "ephemeral"}}]},
        ]
        provider.ask({**messages(), "messages": marked}, after=0.0)
        provider.idle(500.0)
        turns.append({"role": "assistant", "content": f"Answer {n}."})
    assert len(provider.play.context.warming) <= 2
    assert provider.calls[-1].usage is not None
    assert provider.calls[-1].usage.cache_read > 10_000


def test_watched_prefixes_are_bounded() -> None:
    provider = Provider(KEEP)
    for n in range(MOST + 20):
        system = [{"type": "text", "text": f"{n} " + RULES, "cache_control": {"type": "ephemeral"}}]
        provider.ask(messages("?", system=system), after=0.01)
    assert len(provider.play.context.warming) == MOST
    assert not provider.play.context.warming.holds("call-0")
    assert provider.play.context.warming.holds(f"call-{MOST + 19}")


def test_the_bytes_of_what_is_held_for_them_are_bounded_too() -> None:
    provider = Provider(KEEP)
    long = "What each side owes the other. " * 300_000
    for n in range(4):
        system = [{"type": "text", "text": f"{n} " + long, "cache_control": {"type": "ephemeral"}}]
        provider.ask(messages("?", system=system), after=0.01)
    assert 0 < len(provider.play.context.warming) < 4
    assert provider.play.context.warming.holds("call-3")
    assert not provider.play.context.warming.holds("call-0")


def _slow_and_busy() -> Provider:
    """A task whose answers begin after twenty seconds, and of which sixty calls a minute come."""
    provider = Provider(PREWARM)
    for n in range(60):
        provider.play >> incoming(messages(f"{n}?"), task="t", call_id=f"before-{n}", started_at=provider.at)
        provider.play << Send
        late = answer(at=provider.at)
        provider.play.context.warming.waited("t", 20.0)
        provider.play >> late
        while not provider.play.ended:
            provider.play << object
        provider.at += 1.0
    return provider


def test_t9_a_cold_prefix_of_a_slow_busy_task_is_filled_ahead_and_all_calls_read_it() -> None:
    provider = _slow_and_busy()
    context = provider.play.context
    context.warming.waited("t", 20.0)
    steps = run_call(incoming(_body(), task="t", call_id="first", started_at=provider.at), context)
    warm = next(steps)
    assert isinstance(warm, Warm)
    assert (warm.purpose, warm.call_id) == ("prewarm", "first")
    context.warms(warm, provider.at)
    hold = steps.send(None)
    assert isinstance(hold, Hold)
    assert (hold.key, hold.until_s) == (warm.id, provider.at + 3.0)
    other = run_call(incoming(_body(1), task="t", call_id="second", started_at=provider.at + 0.1), context)
    also = next(other)
    assert isinstance(also, Hold)
    assert also.key == warm.id
    context.began(warm.id, provider.at + 1.0)
    for waiting in (steps, other):
        send = waiting.send(None)
        assert isinstance(send, Send)
        assert send.plan is not None
    context.warmed(warm, answer(at=provider.at, plain=5, usage_more={"cache_creation_input_tokens": 6000}))
    record = steps.send(answer(plain=5, at=provider.at, usage_more={"cache_read_input_tokens": 6000}))
    call = getattr(record, "call")  # noqa: B009 - the step is a Record
    (extra,) = call.extra_sends
    assert (extra.purpose, extra.usage.cache_write_5m or extra.usage.cache_write) == ("prewarm", 6000)
    assert any(note.did == "fills ahead" for note in call.notes)


def test_a_request_that_fills_nothing_is_the_last_one_of_its_task_and_says_so() -> None:
    provider = _slow_and_busy()
    context = provider.play.context
    steps = run_call(incoming(_body(), task="t", call_id="first", started_at=provider.at), context)
    warm = next(steps)
    assert isinstance(warm, Warm)
    context.warmed(warm, answer(at=provider.at, plain=6000))
    assert context.warming.refused == {("t", "claude-opus-5-5")}
    assert isinstance(steps.send(None), Send)
    (owed,) = context.warming.book("t")
    assert owed.reason.endswith("read 0, wrote 0 tokens; stopped, since it did not fill")
    other = run_call(incoming(_body(), task="t", call_id="second", started_at=provider.at), context)
    assert isinstance(next(other), Send | Hold)


@pytest.mark.parametrize("policy", [APPLY, PREWARM])
def test_a_quick_task_is_not_filled_ahead(policy: str) -> None:
    provider = Provider(policy)
    for n in range(10):
        provider.ask(_body(n, metadata={"user_id": f"{n}"}), after=1.0)
    assert all(call.extra_sends == () for call in provider.calls)


def test_a_driver_that_cannot_fill_ahead_sends_the_call_as_ever() -> None:
    provider = _slow_and_busy()
    context = provider.play.context
    steps = run_call(incoming(_body(), task="t", call_id="first", started_at=provider.at), context)
    warm = next(steps)
    assert isinstance(warm, Warm)
    context.warmed(warm, None)
    assert isinstance(steps.send(None), Send)
