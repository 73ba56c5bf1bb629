from __future__ import annotations

import asyncio

import pytest

from penstock.gateway.limits import Limit
from penstock.gateway.pacing import Lane, NoRoom, Pacer


def lane(limit: int, remaining: int, kind: str = "requests") -> Lane:
    made = Lane()
    made.learn([Limit(kind, limit, remaining, 0.0)], asyncio.get_running_loop().time())
    return made


async def test_a_lane_that_learnt_nothing_lets_everybody_go() -> None:
    made = Lane()
    for _ in range(100):
        await made.enter("a", 1e9, longest_s=1.0, most=1)
    assert made.running == 100


async def test_a_call_without_room_waits_for_it() -> None:
    made = lane(6000, 1)  # a hundred a second
    await made.enter("a", 0, longest_s=5.0, most=10)
    started = asyncio.get_running_loop().time()
    await made.enter("a", 0, longest_s=5.0, most=10)
    assert asyncio.get_running_loop().time() - started > 0.005
    assert made.waiting == 0


async def test_tokens_are_waited_for_too() -> None:
    made = lane(60, 60, "input-tokens")
    await made.enter("a", 60, longest_s=1.0, most=10)
    with pytest.raises(NoRoom) as caught:
        await made.enter("a", 30, longest_s=1.0, most=10)
    assert 25 < caught.value.retry_after <= 30


async def test_a_full_queue_refuses() -> None:
    made = lane(600, 0)
    first = asyncio.ensure_future(made.enter("a", 0, longest_s=5.0, most=1))
    await asyncio.sleep(0)
    with pytest.raises(NoRoom):
        await made.enter("b", 0, longest_s=5.0, most=1)
    await first


async def test_callers_take_turns() -> None:
    made = lane(6000, 0)
    order: list[str] = []

    async def call(name: str) -> None:
        await made.enter(name, 0, longest_s=10.0, most=100)
        order.append(name)

    tasks = [asyncio.ensure_future(call("greedy")) for _ in range(6)]
    await asyncio.sleep(0)
    tasks.append(asyncio.ensure_future(call("modest")))
    await asyncio.gather(*tasks)
    assert order.index("modest") <= 2


async def test_a_caller_that_gives_up_is_passed_over() -> None:
    made = lane(6000, 0)
    gone = asyncio.ensure_future(made.enter("a", 0, longest_s=5.0, most=10))
    stays = asyncio.ensure_future(made.enter("b", 0, longest_s=5.0, most=10))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert made.running == 1
    assert made.waiting == 0


async def test_lanes_are_kept_by_key() -> None:
    pacer = Pacer()
    assert pacer.lane(("a", 1)) is pacer.lane(("a", 1))
    assert pacer.lane(("a", 1)) is not pacer.lane(("a", 2))
    assert pacer.waiting == 0
