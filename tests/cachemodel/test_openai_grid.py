from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.admission import Decisions, Rejected, Split
from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import Prompt
from penstock.cachemodel.store import CacheState
from tests.cachemodel.prompts import block, grid, system


def send(state: CacheState, prompt: Prompt, at: float) -> Split:
    admission = admit(state, prompt, at)
    begin(state, admission, at + 1)
    return admission.split


@pytest.mark.parametrize(
    ("common", "read"), [(1023, 0), (1024, 1024), (1151, 1024), (1152, 1152), (2006, 1920), (5000, 4992)]
)
def test_the_common_prefix_is_read_in_steps_of_128_from_1024_on(common: int, read: int) -> None:
    state = CacheState()
    send(state, grid(block("s", common), block("u", 2000)), 0)
    assert send(state, grid(block("s", common), block("v", 2000)), 5).read == read


def test_a_short_prompt_is_not_stored() -> None:
    state = CacheState()
    send(state, grid(block("s", 1000)), 0)
    assert send(state, grid(block("s", 1000), block("u", 100)), 5) == Split(plain=1100)


def test_boundaries_lie_at_intervals_counted_from_before_the_prompt() -> None:
    state = CacheState()
    shared: dict[str, Any] = {"interval": 2048, "hidden_tokens": 100}
    send(state, grid(block("s", 6000), block("u", 1000), **shared), 0)
    # 6,100 tokens in common; the last boundary is 4,096, which is 3,996 visible tokens, in steps of 128: 3,968
    assert send(state, grid(block("s", 6000), block("v", 1000), **shared), 5).read == 3968


def test_an_interval_that_ends_before_the_minimum_reads_nothing() -> None:
    state = CacheState()
    send(state, grid(block("s", 2000), interval=2048), 0)
    assert send(state, grid(block("s", 2000), interval=2048), 5).read == 0


def test_t7_a_change_at_the_front_leaves_nothing() -> None:
    state = CacheState()
    send(state, grid(block("date-a", 20), block("s", 5000)), 0)
    assert send(state, grid(block("date-b", 20), block("s", 5000)), 5).read == 0


def test_a_retention_is_an_idle_lifetime_and_reads_refresh_it() -> None:
    for retention, lifetime in (("in_memory", 300), ("24h", 86_400)):
        state = CacheState()
        prompt = grid(block("s", 2048), retention=retention)
        send(state, prompt, 0)
        assert send(state, prompt, lifetime).read == 2048
        assert send(state, prompt, 2 * lifetime).read == 2048
        assert send(state, prompt, 3 * lifetime + 1).read == 0


def test_lifetimes_are_decisions() -> None:
    state = CacheState(Decisions(grid_in_memory_s=600))
    send(state, grid(block("s", 2048)), 0)
    assert send(state, grid(block("s", 2048)), 600).read == 2048


def test_t9_nothing_is_read_before_the_first_response_began() -> None:
    state = CacheState()
    first = admit(state, grid(block("s", 2048)), 0)
    assert admit(state, grid(block("s", 2048)), 1).split.read == 0
    begin(state, first, 2)
    assert admit(state, grid(block("s", 2048)), 2).split.read == 2048


def test_t12_a_cache_key_parts_machines_by_decision() -> None:
    for parts, read in ((True, 0), (False, 2048)):
        state = CacheState(Decisions(grid_key_partitions=parts))
        send(state, grid(block("s", 2048), settings={"prompt_cache_key": "a"}), 0)
        assert send(state, grid(block("s", 2048), settings={"prompt_cache_key": "b"}), 5).read == read
        assert send(state, grid(block("s", 2048), settings={"prompt_cache_key": "a"}), 9).read == 2048


def test_t12_overflow_lands_on_a_machine_that_has_to_learn_the_prefix() -> None:
    state = CacheState(Decisions(openai_machines=2, openai_rate_per_minute=2))
    reads = [send(state, grid(block("s", 2048)), second * 2).read for second in range(4)]
    assert reads == [0, 2048, 0, 2048]


def test_an_output_schema_is_part_of_the_prefix_and_effort_is_not() -> None:
    state = CacheState()
    send(state, grid(block("s", 2048)), 0)
    assert send(state, grid(block("s", 2048), settings={"output_format": "x"}), 5).read == 0
    assert send(state, grid(block("s", 2048), settings={"effort": "low"}), 5).read == 2048


@pytest.mark.parametrize(
    "prompt",
    [
        grid(block("s", 2048, "")),
        grid(block("s", 2048), mode="explicit"),
        grid(block("s", 2048), automatic="30m"),
        grid(block("s", 2048), prewarm=True),
        grid(block("s", 2048), retention="forever"),
    ],
)
def test_t12_fields_of_the_newer_rules_are_refused(prompt: Prompt) -> None:
    with pytest.raises(Rejected):
        admit(CacheState(), prompt, 0)


@settings(max_examples=80, deadline=None)
@given(
    prompts=st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 1500)), max_size=6), max_size=6),
)
def test_what_is_read_is_a_step_of_128_inside_the_longest_common_prefix(
    prompts: list[list[tuple[str, int]]],
) -> None:
    state, seen = CacheState(), []
    for number, parts in enumerate(prompts):
        blocks = [(f"{name}{tokens}", tokens) for name, tokens in parts]
        split = send(state, grid(system("root", 500), *(block(name, tokens) for name, tokens in blocks)), number * 2)
        common = max((_common(blocks, other) for other in seen), default=-500) + 500
        assert split.read == (common // 128 * 128 if common >= 1024 else 0)
        assert split.plain + split.read == 500 + sum(tokens for _, tokens in blocks)
        if split.total >= 1024:
            seen.append(blocks)


def _common(left: list[tuple[str, int]], right: list[tuple[str, int]]) -> int:
    total = 0
    for mine, other in zip(left, right, strict=False):
        if mine != other:
            break
        total += mine[1]
    return total
