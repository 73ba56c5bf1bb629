from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.admission import Decisions, Rejected, Split
from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import Block, Prompt
from penstock.cachemodel.store import CacheState
from tests.cachemodel.prompts import block, gpt, tool


def send(state: CacheState, prompt: Prompt, at: float) -> Split:
    admission = admit(state, prompt, at)
    begin(state, admission, at + 1)
    return admission.split


def dev(name: str, tokens: int = 2000, marker: str | None = None, *, ends: bool = True) -> Block:
    return block(name, tokens, marker, role="developer", message=0, ends_message=ends)


def user(name: str, tokens: int = 100, marker: str | None = None, *, ends: bool = True) -> Block:
    return block(name, tokens, marker, role="user", message=1, ends_message=ends)


def output(name: str, tokens: int = 100) -> Block:
    return block(name, tokens, role="tool", kind="tool_result")


def assistant(name: str, tokens: int = 100) -> Block:
    return block(name, tokens, role="assistant", markable=False)


def test_the_latest_eligible_ending_is_written_and_found_by_the_next_turn() -> None:
    state = CacheState()
    assert send(state, gpt(tool("t", 500), dev("d"), user("u1")), 0) == Split(plain=0, write_30m=2600)
    turn = gpt(tool("t", 500), dev("d"), user("u1"), assistant("a"), user("u2"))
    assert send(state, turn, 5) == Split(plain=0, read=2600, write_30m=200)


def test_what_follows_the_last_ending_is_plain() -> None:
    assert send(CacheState(), gpt(user("u", 2000), assistant("a", 300)), 0) == Split(plain=300, write_30m=2000)


@pytest.mark.parametrize(("tokens", "written"), [(1023, 0), (1024, 1024)])
def test_the_minimum_is_1024_visible_tokens(tokens: int, written: int) -> None:
    assert send(CacheState(), gpt(user("u", tokens)), 0).write_30m == written


def test_only_the_last_of_consecutive_tool_outputs_is_an_ending() -> None:
    state = CacheState()
    start = (user("u", 2000), assistant("call"), output("r1"))
    assert send(state, gpt(*start), 0).write_30m == 2200
    assert send(state, gpt(*start, output("r2")), 5) == Split(plain=0, write_30m=2300)
    assert send(state, gpt(*start, output("r2"), user("next")), 9) == Split(plain=0, read=2300, write_30m=100)


def test_only_the_initial_developer_group_has_an_ending() -> None:
    state = CacheState()
    first = gpt(dev("d1"), dev("d2"))
    assert send(state, first, 0).write_30m == 4000
    assert send(state, gpt(dev("d1"), dev("d2"), user("u")), 5).read == 4000
    late = gpt(user("u", 2000), dev("late"))
    assert send(state, late, 9) == Split(plain=2000, write_30m=2000)


def test_the_end_of_the_developer_group_is_tested_however_many_turns_follow() -> None:
    state = CacheState()
    send(state, gpt(dev("d")), 0)
    turns = [user(f"u{index}") for index in range(40)]
    assert send(state, gpt(dev("d"), *turns), 5).read == 2000


@pytest.mark.parametrize(("later", "read"), [(20, 2000), (21, 0)])
def test_twenty_earlier_endings_are_tested(later: int, read: int) -> None:
    state = CacheState()
    send(state, gpt(user("u", 2000)), 0)
    assert send(state, gpt(user("u", 2000), *[user(f"v{index}") for index in range(later)]), 5).read == read


def test_an_implicit_entry_at_the_developer_block_is_a_decision() -> None:
    for saves, read in ((False, 0), (True, 2000)):
        state = CacheState(Decisions(implicit_developer_entry=saves))
        assert send(state, gpt(dev("d"), user("u1")), 0) == Split(plain=0, write_30m=2100)
        assert send(state, gpt(dev("d"), user("u2")), 5) == Split(plain=0, read=read, write_30m=2100 - read)


def test_implicit_mode_writes_three_explicit_markers_beside_its_own() -> None:
    state = CacheState()
    marks = [dev(f"d{index}", 2000, "", ends=index == 4) for index in range(1, 5)]
    send(state, gpt(*marks, user("u")), 0)
    assert send(state, gpt(marks[0], user("x"), mode="explicit"), 5).read == 0
    assert send(state, gpt(*marks[:2], user("x"), mode="explicit"), 9).read == 4000


def test_explicit_mode_writes_the_latest_four_markers() -> None:
    state = CacheState()
    marks = [dev(f"d{index}", 2000, "") for index in range(1, 6)]
    assert send(state, gpt(*marks, user("u"), mode="explicit"), 0) == Split(plain=100, write_30m=10_000)
    assert send(state, gpt(*marks[:1], user("x"), mode="explicit"), 5).read == 0
    assert send(state, gpt(*marks[:2], user("x"), mode="explicit"), 9).read == 4000


def test_t20_explicit_mode_without_a_marker_neither_reads_nor_writes() -> None:
    state = CacheState()
    send(state, gpt(user("u", 2000)), 0)
    assert send(state, gpt(user("u", 2000), mode="explicit"), 5) == Split(plain=2000)


def test_explicit_mode_tests_the_first_two_and_the_latest_fifty_markers() -> None:
    for position, found in ((1, True), (2, True), (3, False), (52, False), (53, True), (102, True)):
        state = CacheState()
        blocks = [user(f"u{index}", 1024) for index in range(1, 103)]
        stored = [*blocks[: position - 1], user(f"u{position}", 1024, "")]
        send(state, gpt(*stored, mode="explicit"), 0)
        asked = [user(f"u{index}", 1024, "") for index in range(1, 103)]
        assert (send(state, gpt(*asked, mode="explicit"), 5).read == 1024 * position) is found


def test_a_marker_inside_a_message_is_a_boundary_but_no_ending() -> None:
    state = CacheState()
    send(state, gpt(user("a", 2000)), 0)
    assert send(state, gpt(user("a", 2000, ends=False), user("b")), 5).read == 0
    assert send(state, gpt(user("a", 2000, "", ends=False), user("c")), 9).read == 2000


def test_each_marker_may_name_its_own_lifetime() -> None:
    state = CacheState()
    prompt = gpt(dev("d", 2000, "12h"), user("u", 300))
    assert send(state, prompt, 0) == Split(plain=0, write_12h=2000, write_30m=300)
    assert send(state, prompt, 1700).read == 2300
    assert send(state, prompt, 4000) == Split(plain=0, read=2000, write_30m=300)


def test_the_requests_lifetime_is_the_default_of_its_markers() -> None:
    prompt = gpt(dev("d", 2000, ""), user("u", 300), automatic="12h")
    assert send(CacheState(), prompt, 0) == Split(plain=0, write_12h=2300)


def test_half_an_hour_from_the_latest_write_or_reuse() -> None:
    state = CacheState()
    send(state, gpt(user("u", 2000)), 0)
    assert [send(state, gpt(user("u", 2000)), at).read for at in (1800, 3600, 5401)] == [2000, 2000, 0]


def test_entries_may_outlive_their_promise_by_decision() -> None:
    state = CacheState(Decisions(breakpoint_extra_s=600))
    send(state, gpt(user("u", 2000)), 0)
    assert send(state, gpt(user("u", 2000)), 2400).read == 2000


@pytest.mark.parametrize(
    "change",
    [
        {"prompt_cache_key": "k"},
        {"service_tier": "flex"},
        {"effort": "low"},
        {"verbosity": "high"},
        {"output_format": "schema"},
        {"parallel_tool_calls": False},
        {"compaction": "on"},
    ],
)
def test_every_prefix_setting_is_part_of_the_key(change: dict[str, Any]) -> None:
    state = CacheState()
    send(state, gpt(user("u", 2000)), 0)
    assert send(state, gpt(user("u", 2000), settings=change), 5).read == 0
    assert send(state, gpt(user("u", 2000), settings=change), 9).read == 2000


def test_t9_parallel_requests_all_write() -> None:
    state = CacheState()
    first, second = (admit(state, gpt(user("u", 2000)), at) for at in (0, 1))
    begin(state, first, 2)
    assert (first.split.write_30m, second.split.write_30m) == (2000, 2000)
    assert admit(state, gpt(user("u", 2000)), 2).split.read == 2000


@pytest.mark.parametrize(
    "prompt",
    [
        gpt(user("u", 2000), automatic="12h", api="chat"),
        gpt(user("u", 2000, "12h"), api="chat"),
        gpt(dev("d"), prewarm=True, api="chat"),
        gpt(user("u", 2000), automatic="1h"),
        gpt(user("u", 2000), mode="off"),
        gpt(block("a", 2000, "", role="assistant", markable=False)),
    ],
)
def test_what_an_api_does_not_know_is_refused(prompt: Prompt) -> None:
    with pytest.raises(Rejected) as refused:
        admit(CacheState(), prompt, 0)
    assert refused.value.status == 400


def test_a_pre_warm_of_the_responses_api_writes_as_always() -> None:
    assert send(CacheState(), gpt(dev("d"), prewarm=True, api="responses"), 0).write_30m == 2000


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_the_parts_add_up_and_a_repeat_reads_what_was_written(data: st.DataObject) -> None:
    state = CacheState()
    roles = st.sampled_from(["developer", "user", "assistant", "tool"])
    for turn in range(data.draw(st.integers(1, 4), "turns")):
        blocks = []
        for index in range(data.draw(st.integers(0, 8), "blocks")):
            role = data.draw(roles, "role")
            marked = role != "assistant" and data.draw(st.booleans(), "marked")
            tokens = data.draw(st.integers(1, 900), "tokens")
            blocks.append(block(f"{role}{index}-{tokens}", tokens, "" if marked else None, role=role, message=index))
        prompt = gpt(*blocks, mode=data.draw(st.sampled_from(["implicit", "explicit"]), "mode"))
        split = send(state, prompt, turn * 10)
        assert split.total == prompt.tokens
        assert min(split.plain, split.read, split.write_30m) >= 0
        again = send(state, prompt, turn * 10 + 5)
        assert again == Split(plain=split.plain, read=split.read + split.write_30m)
