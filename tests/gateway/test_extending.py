"""A conversation that pauses is kept for an hour by one request, through a gateway and billed by the simulator."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest

from penstock.policy.load import load_policy
from penstock.policy.schema import Holdback
from penstock.simulator.server import Simulator
from tests.evidence.pauses import go_on_late
from tests.gateway.running import Running, eventually, policy_for, serving

RULES = "What each side owes the other, clause by clause, and by when. " * 400
TASKS = load_policy("[tasks.clauses.cache]\nkeep_alive = true\n").tasks


def _ask(gateway: Running, turns: list[Any], *, streamed: bool) -> str:
    with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as sdk:
        asked: dict[str, Any] = {
            "model": "claude-opus-5-5",
            "max_tokens": 500,
            "messages": turns,
            "extra_headers": {"x-penstock-task": "clauses"},
        }
        if not streamed:
            message = sdk.messages.create(**asked)
        else:
            with sdk.messages.stream(**asked) as stream:
                message = stream.get_final_message()
    return "".join(block.text for block in message.content if block.type == "text")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_conversation_that_pauses_for_twenty_minutes_reads_its_prompt_after_one_request(
    simulator: Simulator, *, streamed: bool
) -> None:
    policy = policy_for(simulator.base_url, mode="apply", holdback=Holdback(share=0.0), tasks=TASKS)
    with serving(policy, clock=simulator.clock.now) as gateway:
        gateway.gateway.house.warmth.tick_s = 0.005
        go_on_late(gateway.gateway.house.context.evidence.reuse.tails)
        turns: list[Any] = [
            {"role": "user", "content": RULES},
            {"role": "assistant", "content": "I have read them."},
            {"role": "user", "content": "Who pays for the transport?"},
        ]
        said = _ask(gateway, turns, streamed=streamed)
        gateway.calls(1)
        for seconds in (275.0, 275.0, 325.0, 325.0):
            simulator.clock.advance(seconds)
            eventually(lambda: len(simulator.bill) > 1 and not gateway.gateway.house.warmth.running)
        turns += [{"role": "assistant", "content": said}, {"role": "user", "content": "And by when?"}]
        _ask(gateway, turns, streamed=streamed)
        calls = gateway.calls(2)
    first, kept, second = simulator.bill
    assert first.usage.cache_write_5m > 4000
    assert (kept.usage.cache_read, kept.usage.output) == (first.usage.cache_write_5m, 0)
    assert 0 < kept.usage.cache_write_1h < 200
    assert second.usage.cache_read == kept.usage.cache_read + kept.usage.cache_write_1h
    (extra,) = calls[-1].extra_sends
    assert extra.usage is not None
    assert (extra.purpose, extra.usage.cache_read) == ("keep_alive", kept.usage.cache_read)
    assert "for 1h by writing" in extra.reason
    booked = [call.cost_all for call in calls]
    assert sum(cost for cost in booked if cost is not None) == sum(
        one.cost for one in simulator.bill if isinstance(one.cost, int)
    )
