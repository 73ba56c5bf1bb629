from __future__ import annotations

from collections.abc import Generator
from typing import Any

from penstock.engine.call import Outcome, run_call
from penstock.engine.context import EngineContext
from penstock.engine.steps import Hold, Result, Send, Step
from penstock.policy.load import load_policy
from tests.playbook import NOW, answer, incoming, messages, sent

APPLY = 'mode = "apply"\nholdback.share = 0.0\n[defaults.cache]\nhold_ms = 3000\n'
SYSTEM = [
    {
        "type": "text",
        "text": "What each side owes the other, clause by clause. " * 600,
        "cache_control": {"type": "ephemeral"},
    }
]
Steps = Generator[Step, Result, Outcome]


def _context(policy: str = APPLY) -> EngineContext:
    return EngineContext(load_policy(policy), levers=[])


def _call(context: EngineContext, call_id: str, at: float = NOW, system: Any = SYSTEM) -> tuple[Steps, Step]:
    steps = run_call(incoming(messages(call_id, system=system), call_id=call_id, started_at=at), context)
    return steps, next(steps)


def test_t9_parallel_cold_calls_wait_for_the_first_and_go_when_its_answer_begins() -> None:
    context = _context()
    writer, first = _call(context, "a")
    assert isinstance(first, Send)
    waiting = [_call(context, name, NOW + 0.1) for name in "bcd"]
    for _, step in waiting:
        assert isinstance(step, Hold)
        assert (step.key, step.until_s) == ("a", NOW + 3.1)
    woken: list[int] = []
    context.siblings.wait("a", lambda: woken.append(1))
    context.began("a", NOW + 0.5)
    assert woken == [1]
    assert all(isinstance(steps.send(None), Send) for steps, _ in waiting)
    writer.close()


def test_t9_the_price_of_delay_decides_and_the_plan_says_the_arithmetic() -> None:
    context = _context(APPLY.replace("hold_ms", "delay_usd_second = 1.0\nhold_ms"))
    writer, _ = _call(context, "a")
    _, step = _call(context, "b", NOW + 0.1)
    assert isinstance(step, Send)
    writer.close()
    context = _context()
    writer, _ = _call(context, "a")
    steps, step = _call(context, "b", NOW + 0.1)
    assert isinstance(step, Hold)
    context.began("a", NOW + 0.5)
    steps.send(None)
    record = steps.send(answer())
    (note,) = getattr(record, "call").notes  # noqa: B009 - the step is a Record
    assert note.did == "waits"
    assert " > 3 s at $0.001 a second = $0.0030" in note.why
    writer.close()


def test_t9_a_call_that_would_wait_for_too_little_says_so_in_its_record() -> None:
    context = _context(APPLY.replace("hold_ms", "delay_usd_second = 1.0\nhold_ms"))
    writer, _ = _call(context, "a")
    steps, _ = _call(context, "b", NOW + 0.1)
    record = steps.send(answer())
    (note,) = getattr(record, "call").notes  # noqa: B009 - the step is a Record
    assert note.did == "does not wait"
    assert "<= 3 s at $1 a second" in note.why
    writer.close()


def test_t9_a_call_whose_prefix_is_warm_does_not_wait() -> None:
    context = _context()
    calls = [_call(context, "a")]
    context.began("a", NOW + 0.5)
    calls += [_call(context, "b", NOW + 1), _call(context, "c", NOW + 1)]
    assert all(isinstance(step, Send) for _, step in calls)


def test_t9_a_failing_sibling_lets_its_waiters_go_and_the_first_of_them_writes() -> None:
    context = _context()
    first, _ = _call(context, "a")
    waiting = [_call(context, name, NOW + 0.1)[0] for name in "bc"]
    first.send(sent({"type": "error"}, status=500))
    assert isinstance(waiting[0].send(None), Send)
    step = waiting[1].send(None)
    assert isinstance(step, Hold)
    assert (step.key, step.until_s) == ("b", NOW + 3.1)


def test_t9_a_sibling_that_is_given_up_lets_its_waiters_go() -> None:
    context = _context()
    first, _ = _call(context, "a")
    second, step = _call(context, "b", NOW + 0.1)
    assert isinstance(step, Hold)
    first.close()
    assert not context.siblings.on_its_way("a")
    assert isinstance(second.send(None), Send)


def test_t9_when_the_time_is_over_the_call_goes_its_way() -> None:
    context = _context()
    first, _ = _call(context, "a")
    second, _ = _call(context, "b")
    assert isinstance(second.send(None), Send)
    assert context.siblings.on_its_way("a")
    first.close()


def test_nobody_waits_in_observe_mode_when_it_is_switched_off_or_for_what_is_not_written() -> None:
    for policy in ("", APPLY.replace("3000", "0"), APPLY + "enabled = false\n"):
        context = _context(policy)
        calls = [_call(context, name) for name in "ab"]
        assert all(isinstance(step, Send) for _, step in calls)
    context = _context()
    calls = [_call(context, name, system="Be brief.") for name in "ab"]
    assert all(isinstance(step, Send) for _, step in calls)


def test_t9_a_held_call_is_recorded_with_its_read() -> None:
    context = _context()
    writer, _ = _call(context, "a")
    steps, _ = _call(context, "b")
    context.began("a", NOW + 0.5)
    steps.send(None)
    writer.close()
    usage = {"cache_read_input_tokens": 10_000, "cache_creation_input_tokens": 0}
    step = steps.send(answer(plain=5, usage_more=usage))
    assert getattr(step, "call").usage.cache_read == 10_000  # noqa: B009 - the step is a Record
