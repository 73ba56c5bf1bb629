from __future__ import annotations

import random

import pytest

from benchmarks.cache_traces import SETTINGS, penstock
from benchmarks.kept_traces import KeepingProvider, Kept, kept_alive
from benchmarks.trace_blocks import BLOCK, BlockChain, Request, Setting, terms_of
from penstock.levers.cache.planner import Mark

FLAGSHIP = SETTINGS[1]
PROMPT = 20 * BLOCK + 100


def _pausing(share: float, seed: int = 3) -> list[Request]:
    """Conversations of up to six turns half a minute apart, some of which pause for twenty minutes."""
    draw = random.Random(seed)
    trace: list[Request] = []
    fresh = 0
    for talk in range(120):
        at, blocks = 40.0 * talk, list(range(fresh, fresh + 40))
        fresh += 40
        for turn in range(draw.randint(1, 6)):
            blocks = [*blocks, *range(fresh, fresh + 2)]
            fresh += 2
            trace.append(Request(at, BLOCK * len(blocks), blocks, 300))
            at += 1200.0 if draw.random() < share and turn else 30.0
    return sorted(trace, key=lambda request: request.at)


def _late_turns() -> list[Request]:
    """Four in ten prompts come again at once, and one in five after twenty minutes; both with much that is new."""
    trace: list[Request] = []
    for talk in range(400):
        at, first = 40.0 * talk, 1000 * talk
        trace.append(Request(at, BLOCK * 40, range(first, first + 40), 300))
        if talk % 5 < 3:
            at += 1200.0 if talk % 5 == 2 else 60.0
            trace.append(Request(at, BLOCK * 80, range(first, first + 80), 300))
    return sorted(trace, key=lambda request: request.at)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3])
@pytest.mark.parametrize("setting", SETTINGS)
def test_conversations_of_which_some_pause_cost_no_more_with_our_own_requests(setting: Setting, share: float) -> None:
    trace = _pausing(share)
    assert kept_alive(trace, setting)[0][-1] < 1.001 * penstock(trace, setting)[-1]


def test_conversations_that_go_on_late_cost_less_with_requests_of_our_own() -> None:
    trace = _late_turns()
    kept, own = kept_alive(trace, FLAGSHIP)
    assert own > 20
    assert kept[-1] < 0.95 * penstock(trace, FLAGSHIP)[-1]


def test_conversations_that_never_pause_get_no_requests_and_cost_the_same() -> None:
    trace = _pausing(0.0)
    kept, own = kept_alive(trace, FLAGSHIP)
    assert own == 0
    assert kept == penstock(trace, FLAGSHIP)


def _extended() -> KeepingProvider:
    provider = KeepingProvider(FLAGSHIP)
    request = Request(0.0, PROMPT, range(21), 200)
    provider.charge(request, [Mark(19, "5m", 20 * BLOCK, 1.0, 0.0)])
    provider.extend(Kept(request, 19, 300.0, chain=BlockChain(request)), terms_of(FLAGSHIP), 270.0)
    return provider


def _read(provider: KeepingProvider, at: float, tokens: int) -> int:
    blocks = [*range(20), *range(100, 110)]
    return provider.charge(Request(at, tokens, blocks), [Mark(19, "5m", 0, 1.0, 0.0)])[0]


def test_a_kept_prompt_is_read_within_the_hour_by_a_request_that_can_hold_its_answer() -> None:
    assert _read(_extended(), 3800.0, PROMPT + 200) == 20
    assert _read(_extended(), 3900.0, PROMPT + 200) == 0
    assert _read(_extended(), 3800.0, PROMPT + 199) == 0
    assert _read(_extended(), 500.0, PROMPT + 199) == 20


def test_a_request_of_our_own_is_billed_as_a_read_and_a_write_of_what_follows() -> None:
    plain = KeepingProvider(FLAGSHIP)
    plain.charge(Request(0.0, PROMPT, range(21), 200), [Mark(19, "5m", 20 * BLOCK, 1.0, 0.0)])
    assert _extended().cost - plain.cost == pytest.approx(0.05 * 20 * BLOCK + 2.0 * (100 + 200))
