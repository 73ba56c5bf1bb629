from __future__ import annotations

import asyncio

import pytest

from penstock.gateway.limits import Limit, Need
from penstock.gateway.pacing import Lane, NoRoom, Pacer, Place, lane_key

ONE: Need = (1.0, 0.0, 0.0)


def lane(limit: int, remaining: int, kind: str = "requests") -> Lane:
    made = Lane()
    learn(made, Limit(kind, limit, remaining, 0.0), Place((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    return made


def learn(made: Lane, limit: Limit, place: Place) -> None:
    made.learn([limit], place, asyncio.get_running_loop().time())


def level(made: Lane, kind: str) -> float:
    return made.buckets[kind].level(asyncio.get_running_loop().time())


async def test_a_lane_that_learnt_nothing_lets_everybody_go() -> None:
    made = Lane()
    for _ in range(100):
        await made.enter("a", (1.0, 1e9, 1e9), longest_s=1.0, most=1)
    assert made.running[0] == 100


async def test_a_call_without_room_waits_for_it() -> None:
    made = lane(6000, 1)  # a hundred a second
    await made.enter("a", ONE, longest_s=5.0, most=10)
    started = asyncio.get_running_loop().time()
    await made.enter("a", ONE, longest_s=5.0, most=10)
    assert asyncio.get_running_loop().time() - started > 0.005
    assert made.waiting == 0


async def test_tokens_are_waited_for_too() -> None:
    made = lane(60, 60, "input-tokens")
    await made.enter("a", (1.0, 60.0, 0.0), longest_s=1.0, most=10)
    with pytest.raises(NoRoom) as caught:
        await made.enter("a", (1.0, 30.0, 0.0), longest_s=1.0, most=10)
    assert 25 < caught.value.retry_after <= 30


async def test_a_full_queue_refuses() -> None:
    made = lane(600, 0)
    first = asyncio.ensure_future(made.enter("a", ONE, longest_s=5.0, most=1))
    await asyncio.sleep(0)
    with pytest.raises(NoRoom):
        await made.enter("b", ONE, longest_s=5.0, most=1)
    await first


async def test_callers_take_turns() -> None:
    made = lane(6000, 0)
    order: list[str] = []

    async def call(name: str) -> None:
        await made.enter(name, ONE, longest_s=10.0, most=100)
        order.append(name)

    tasks = [asyncio.ensure_future(call("greedy")) for _ in range(6)]
    await asyncio.sleep(0)
    tasks.append(asyncio.ensure_future(call("modest")))
    await asyncio.gather(*tasks)
    assert order.index("modest") <= 2


async def test_a_caller_that_gives_up_is_passed_over() -> None:
    made = lane(6000, 0)
    gone = asyncio.ensure_future(made.enter("a", ONE, longest_s=5.0, most=10))
    stays = asyncio.ensure_future(made.enter("b", ONE, longest_s=5.0, most=10))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert made.running[0] == 1
    assert made.waiting == 0


async def test_a_full_queue_lets_a_caller_with_fewer_calls_in_and_drops_the_newest_of_the_greediest() -> None:
    made = lane(600, 0)
    greedy = [asyncio.ensure_future(made.enter("greedy", ONE, longest_s=5.0, most=3)) for _ in range(3)]
    await asyncio.sleep(0)
    modest = asyncio.ensure_future(made.enter("modest", ONE, longest_s=5.0, most=3))
    outcomes = await asyncio.gather(*greedy, modest, return_exceptions=True)
    assert [isinstance(outcome, NoRoom) for outcome in outcomes] == [False, False, True, False]
    assert made.waiting == 0


async def test_the_time_to_come_back_counts_those_that_wait() -> None:
    made = lane(60, 0)
    first = [asyncio.ensure_future(made.enter("a", ONE, longest_s=5.0, most=2)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(NoRoom) as caught:
        await made.enter("a", ONE, longest_s=5.0, most=2)
    assert 2.9 < caught.value.retry_after <= 3.0
    for waiting in first:
        waiting.cancel()
    await asyncio.gather(*first, return_exceptions=True)
    assert made.waiting == 0


async def test_an_answer_may_not_have_counted_what_ran_beside_its_call() -> None:
    made = lane(600, 600, "tokens")
    early = await made.enter("a", (1.0, 100.0, 0.0), longest_s=1.0, most=1)
    late = await made.enter("a", (1.0, 200.0, 0.0), longest_s=1.0, most=1)
    made.leave(late)
    learn(made, Limit("tokens", 600, 500, 0.0), early)  # made before the later call came: it is not in it
    assert 299 < level(made, "tokens") < 301


async def test_the_output_of_running_calls_is_not_in_an_answer_s_word() -> None:
    made = Lane()
    place = await made.enter("a", (1.0, 0.0, 80.0), longest_s=1.0, most=1)
    learn(made, Limit("output-tokens", 600, 600, 0.0), place)
    assert level(made, "output-tokens") < 521


async def test_an_answer_s_length_is_foreseen_from_those_before() -> None:
    made = lane(600, 150, "output-tokens")
    for _ in range(100):
        made.answered(100)
    await made.enter("a", ONE, longest_s=1.0, most=1)
    with pytest.raises(NoRoom) as caught:
        await made.enter("a", ONE, longest_s=1.0, most=1)
    assert 4.5 < caught.value.retry_after <= 5.0


async def test_an_answer_that_tells_of_room_lets_those_that_wait_go() -> None:
    made = lane(6, 6)
    first = await made.enter("a", ONE, longest_s=60.0, most=1)
    for _ in range(5):
        made.leave(await made.enter("a", ONE, longest_s=60.0, most=1))
    waiting = asyncio.ensure_future(made.enter("a", ONE, longest_s=60.0, most=1))
    await asyncio.sleep(0)
    made.leave(first)
    other = await asyncio.wait_for(_told_of_room(made, waiting), 5.0)
    assert made.running == other.need


async def _told_of_room(made: Lane, waiting: asyncio.Future[Place]) -> Place:
    learn(made, Limit("requests", 600, 600, 0.0), Place(ONE, (6.0, 0.0, 0.0)))
    return await waiting


async def test_a_lane_that_was_shut_lets_nobody_go_until_then() -> None:
    made = lane(6000, 6000)
    made.shut(2.0, asyncio.get_running_loop().time())
    with pytest.raises(NoRoom) as caught:
        await made.enter("a", ONE, longest_s=1.0, most=1)
    assert 1.9 < caught.value.retry_after <= 2.0


async def test_lanes_are_kept_by_key() -> None:
    pacer = Pacer()
    assert pacer.lane(("a", 1)) is pacer.lane(("a", 1))
    assert pacer.lane(("a", 1)) is not pacer.lane(("a", 2))
    assert pacer.waiting == 0


async def test_a_request_of_ours_goes_when_half_of_the_limit_is_left_for_callers() -> None:
    made = lane(60, 32)
    place = await made.enter_behind(ONE, longest_s=0.0)
    assert place.need[0] == 1.0
    await made.enter_behind(ONE, longest_s=0.0)
    with pytest.raises(NoRoom) as caught:
        await made.enter_behind(ONE, longest_s=0.0)
    assert 0.9 < caught.value.retry_after <= 1.0
    for _ in range(30):
        await made.enter("a", ONE, longest_s=0.0, most=1)


async def test_a_request_of_ours_that_takes_more_than_callers_leave_never_goes() -> None:
    made = lane(100, 100, "input-tokens")
    with pytest.raises(NoRoom):
        await made.enter_behind((1.0, 51.0, 0.0), longest_s=1e9)
    await made.enter_behind((1.0, 50.0, 0.0), longest_s=0.0)


async def test_callers_who_come_later_go_before_a_request_of_ours_that_waits() -> None:
    made = lane(6000, 0)
    order: list[str] = []

    async def ours() -> None:
        await made.enter_behind(ONE, longest_s=60.0)
        order.append("ours")

    async def call(number: int) -> None:
        await made.enter("a", ONE, longest_s=10.0, most=100)
        order.append(str(number))

    own = asyncio.ensure_future(ours())
    await asyncio.sleep(0)
    await asyncio.gather(*(call(number) for number in range(5)))
    assert order == ["0", "1", "2", "3", "4"]
    assert made.waiting == 0
    learn(made, Limit("requests", 6000, 6000, 0.0), Place(ONE, (5.0, 0.0, 0.0)))
    learn(made, Limit("requests", 600_000, 600_000, 0.0), Place(ONE, (5.0, 0.0, 0.0)))
    await asyncio.wait_for(own, 5.0)
    assert made.running[0] == 6


async def test_a_caller_does_not_wait_for_the_time_at_which_a_request_of_ours_may_go() -> None:
    made = lane(600, 0)
    own = asyncio.ensure_future(made.enter_behind(ONE, longest_s=60.0))  # half of the limit is there in 30 seconds
    await asyncio.sleep(0)
    await asyncio.wait_for(made.enter("a", ONE, longest_s=5.0, most=10), 5.0)
    assert not own.done()
    own.cancel()
    await asyncio.gather(own, return_exceptions=True)
    assert made.running[0] == 1


async def test_a_request_of_ours_waits_for_its_time_and_then_gives_up() -> None:
    made = lane(6000, 2998)
    await made.enter_behind((6.0, 0.0, 0.0), longest_s=5.0)
    waiting = asyncio.ensure_future(made.enter_behind((1.0, 0.0, 0.0), longest_s=0.05))
    await asyncio.sleep(0)
    made.stand_back(60.0, asyncio.get_running_loop().time())
    with pytest.raises(NoRoom):
        await waiting
    assert made.running[0] == 6.0


async def test_requests_of_ours_stand_back_for_a_while_and_callers_do_not() -> None:
    made = lane(60, 60)
    made.stand_back(2.0, asyncio.get_running_loop().time())
    with pytest.raises(NoRoom) as caught:
        await made.enter_behind(ONE, longest_s=1.0)
    assert 1.9 < caught.value.retry_after <= 2.0
    await made.enter("a", ONE, longest_s=0.0, most=1)


def test_lanes_are_told_apart_by_provider_owner_and_model() -> None:
    assert lane_key("openai", b"k", "gpt-5-mini") == lane_key("openai", b"k", "gpt-5-mini-2025-08-07")
    keys = [
        lane_key(provider, owner, model)
        for provider in ("openai", "anthropic")
        for owner in (None, b"k")
        for model in ("gpt-5-mini", "unheard-of")
    ]
    assert len(set(keys)) == 8
