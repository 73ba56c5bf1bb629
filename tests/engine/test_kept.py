from __future__ import annotations

from typing import Any

from penstock.engine.attempt import read_attempt
from penstock.engine.kept import Kept, Plan, Use, use_of
from penstock.engine.plan import Plan as CallPlan
from penstock.engine.steps import Send
from penstock.levers.cache.warm import Price
from tests.playbook import NOW, Playbook, answer, incoming, messages

APPLY = 'mode = "apply"\nholdback.share = 0.0\n'
THOUGHT = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
TEXT = {"type": "text", "text": "ok"}


def _use(body: dict[str, Any], **more: Any) -> Use:
    play = Playbook(policy=APPLY)
    play >> incoming(body)
    send = play << Send
    plan = send.plan
    assert isinstance(plan, CallPlan)
    attempt = read_attempt(send, plan.planned, answer(**more))
    return use_of(plan, attempt, plan.planned, "call-1")


def test_a_use_holds_what_the_next_turn_will_begin_with() -> None:
    use = _use(messages("Who pays?"), usage_more={"cache_read_input_tokens": 70})
    assert use.answer is not None
    assert (use.call_id, use.at, use.read) == ("call-1", NOW, 70)
    assert list(use.fixed) == []


def test_thinking_is_expected_back_where_earlier_turns_had_it() -> None:
    said: dict[str, Any] = messages("One", "Two", "Three")
    assert _use(messages("One"), content=[THOUGHT, TEXT]).answer is None
    stripped = _use(said, content=[THOUGHT, TEXT]).answer
    said["messages"][1]["content"] = [THOUGHT, TEXT]
    whole = _use(said, content=[THOUGHT, TEXT]).answer
    assert stripped is not None
    assert whole is not None
    assert (len(stripped.blocks), len(whole.blocks)) == (1, 2)


def test_the_client_s_own_markers_are_known_from_ours() -> None:
    own = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert [mark.ttl for mark in _use(messages("One", system=[own])).fixed] == ["1h"]


def _kept(lifetime: float) -> Kept:
    use = _use(messages("One"))
    plan = Plan(view=use.view, tokens=1000, beside=0, lifetime=lifetime, price=Price(2, 1), key=7)
    return Kept(task="t", plan=plan, use=use, end=9, kind=2, alive_from=NOW)


def test_rounds_are_nine_tenths_of_a_lifetime_and_counted_apart_from_those_of_another() -> None:
    short, long = _kept(300.0), _kept(3600.0)
    assert [short.rounds(NOW + wait) for wait in (0.0, 269.0, 271.0, 541.0)] == [0, 0, 1, 2]
    assert long.rounds(NOW + 541.0) == 0
    assert short.waits != long.waits


def test_a_request_that_writes_beyond_its_prefix_leaves_two_entries() -> None:
    view = _use(messages("One")).view
    plan = Plan(view=view, tokens=1000, beside=0, lifetime=300.0, price=Price(2, 1), key=7, beyond=(8, 3600.0))
    assert plan.entries == {7: 300.0, 8: 3600.0}
