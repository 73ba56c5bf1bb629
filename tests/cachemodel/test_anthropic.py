from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.admission import Decisions, Rejected, Split
from penstock.cachemodel.machine import admit, begin
from penstock.cachemodel.prompt import Block, Prompt
from penstock.cachemodel.store import CacheState
from penstock.wire.segments import Level
from tests.cachemodel.prompts import block, claude, run, system, tool


def send(state: CacheState, prompt: Prompt, at: float) -> Split:
    admission = admit(state, prompt, at)
    begin(state, admission, at + 1)
    return admission.split


def test_t4_a_marker_below_the_minimum_writes_nothing() -> None:
    state = CacheState()
    assert send(state, claude(system("s", 511, "5m"), block("u", 1)), 0) == Split(plain=512)
    assert send(state, claude(system("s", 511, "5m"), block("u", 1)), 5) == Split(plain=512)
    assert send(state, claude(system("s2", 512, "5m"), block("u", 1)), 9) == Split(plain=1, write_5m=512)


def test_t2_a_marker_on_a_unique_tail_writes_on_every_call() -> None:
    state = CacheState()
    for number in range(3):
        prompt = claude(system("s", 1000), block(f"u{number}", 100, "5m"))
        assert send(state, prompt, number * 10) == Split(plain=0, write_5m=1100)


@pytest.mark.parametrize(("entry", "found"), [(15, False), (16, True)])
def test_t3_a_marker_sees_twenty_positions_itself_included(entry: int, found: bool) -> None:
    state = CacheState()
    send(state, claude(*run(entry, {entry})), 0)
    read = entry * 100 if found else 0
    assert send(state, claude(*run(35, {35})), 10) == Split(plain=0, read=read, write_5m=3500 - read)


def test_t3_a_longer_window_is_a_decision() -> None:
    state = CacheState(Decisions(lookback_positions=21))
    send(state, claude(*run(15, {15})), 0)
    assert send(state, claude(*run(35, {35})), 10).read == 1500


def test_an_earlier_marker_opens_its_own_window() -> None:
    state = CacheState()
    send(state, claude(*run(10, {10})), 0)
    assert send(state, claude(*run(60, {29, 60})), 10).read == 1000


def test_t3_runs_of_tool_blocks_are_single_positions_only_by_decision() -> None:
    calls = tuple(block(f"c{index}", 10, kind="tool_use", role="assistant") for index in range(15))
    results = tuple(block(f"r{index}", 10, "5m" if index == 14 else None, kind="tool_result") for index in range(15))
    for runs, read in ((True, 1000), (False, 0)):
        state = CacheState(Decisions(tool_runs_are_one_position=runs))
        send(state, claude(block("u", 1000, "5m")), 0)
        assert send(state, claude(block("u", 1000), *calls, *results), 10).read == read


def test_a_run_ends_where_another_kind_of_block_stands_between() -> None:
    state = CacheState()
    send(state, claude(block("u", 1000, "5m")), 0)
    mixed = [block(f"{index}", 10, kind="tool_result" if index % 2 else "text") for index in range(19)]
    assert send(state, claude(block("u", 1000), *mixed, block("end", 10, "5m")), 10).read == 0


def test_t5_a_fifth_marker_is_refused_the_automatic_one_counted() -> None:
    five = claude(*run(6, {1, 2, 3, 4, 5}))
    with pytest.raises(Rejected, match=r"A maximum of 4 blocks with cache_control may be provided. Found 5\."):
        admit(CacheState(), five, 0)
    with pytest.raises(Rejected, match="Found 5"):
        admit(CacheState(), claude(*run(6, {1, 2, 3, 4}), automatic="5m"), 0)
    assert admit(CacheState(), claude(*run(6, {1, 2, 3, 4})), 0).split.write_5m == 0


def test_t5_an_hour_after_five_minutes_is_refused_with_its_place() -> None:
    prompt = claude(system("s", 600, "5m"), block("a", 10), block("u", 600, "1h"))
    with pytest.raises(Rejected) as refused:
        admit(CacheState(), prompt, 0)
    assert str(refused.value) == (
        "messages.0.content.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
        "cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
    )
    assert (refused.value.status, refused.value.kind) == (400, "invalid_request_error")


def test_t5_the_automatic_marker_on_a_marked_block_is_a_no_op_or_a_conflict() -> None:
    state = CacheState()
    assert send(state, claude(block("u", 600, "5m"), automatic="5m"), 0) == Split(plain=0, write_5m=600)
    expected = "Top-level cache_control has ttl='5m' but the target block already has cache_control with ttl='1h'"
    with pytest.raises(Rejected, match=expected):
        admit(state, claude(block("u", 600, "1h"), automatic="5m"), 9)


def test_the_automatic_marker_walks_back_over_what_cannot_carry_one() -> None:
    tail = (block("thought", 50, kind="thinking"), block("empty", 0), block("odd", 9, markable=False))
    assert admit(CacheState(), claude(block("u", 600), *tail, automatic="1h"), 0).split == Split(plain=59, write_1h=600)
    assert admit(CacheState(), claude(*tail, automatic="1h"), 0).split == Split(plain=59)


@pytest.mark.parametrize(
    "odd", [block("t", 9, "5m", kind="thinking"), block("e", 0, "5m"), block("c", 9, "5m", markable=False)]
)
def test_a_marker_on_a_block_that_cannot_carry_one_is_refused(odd: Block) -> None:
    with pytest.raises(Rejected, match="cannot be set"):
        admit(CacheState(), claude(block("u", 600), odd), 0)


def test_an_unknown_lifetime_is_refused() -> None:
    with pytest.raises(Rejected, match=r"system\.0\.cache_control\.ttl"):
        admit(CacheState(), claude(system("s", 600, "2h")), 0)
    with pytest.raises(Rejected, match="'5m' or '1h'"):
        admit(CacheState(), claude(system("s", 600), automatic="12h"), 0)


def test_t9_parallel_cold_requests_all_write() -> None:
    state = CacheState()
    first = admit(state, claude(system("s", 1000, "5m"), block("u1")), 0)
    second = admit(state, claude(system("s", 1000, "5m"), block("u2")), 0.5)
    begin(state, first, 2)
    begin(state, second, 2.5)
    third = admit(state, claude(system("s", 1000, "5m"), block("u3")), 2.6)
    assert [admission.split.write_5m for admission in (first, second, third)] == [1000, 1000, 0]
    assert third.split.read == 1000


def test_t9_an_entry_is_readable_at_the_moment_that_the_response_begins() -> None:
    state = CacheState()
    begin(state, admit(state, claude(system("s", 1000, "5m")), 0), 2)
    assert admit(state, claude(system("s", 1000, "5m")), 1.999).split.read == 0
    assert admit(state, claude(system("s", 1000, "5m")), 2).split.read == 1000


def test_t10_a_lifetime_counts_from_the_start_of_the_request() -> None:
    state = CacheState()
    begin(state, admit(state, claude(system("s", 1000, "5m")), 0), 100)
    assert admit(state, claude(system("s", 1000, "5m")), 300).split.read == 1000
    assert admit(state, claude(system("s", 1000, "5m")), 300.1).split.read == 0


def test_t10_a_read_refreshes_from_its_own_start_even_if_the_entry_expired_before_its_response() -> None:
    state = CacheState()
    begin(state, admit(state, claude(system("s", 1000, "5m")), 0), 1)
    late = admit(state, claude(system("s", 1000, "5m")), 299)
    state.sweep(350)
    begin(state, late, 360)
    assert admit(state, claude(system("s", 1000, "5m")), 599).split.read == 1000
    assert admit(state, claude(system("s", 1000, "5m")), 600).split.read == 0


def test_a_request_without_a_response_stores_and_refreshes_nothing() -> None:
    state = CacheState()
    send(state, claude(system("s", 1000, "5m")), 0)
    admit(state, claude(system("s", 1000, "5m"), block("u", 500, "5m")), 200)
    assert admit(state, claude(system("s", 1000, "5m"), block("u", 500, "5m")), 250).split.read == 1000
    assert admit(state, claude(system("s", 1000, "5m")), 400).split.read == 0


def test_mixed_lifetimes_are_billed_a_b_c() -> None:
    state = CacheState()
    prompt = claude(tool("t", 600, "1h"), system("s", 1000, "1h"), block("u", 2000, "5m"), block("q", 30))
    assert send(state, prompt, 0) == Split(plain=30, write_1h=1600, write_5m=2000)
    other = claude(tool("t", 600, "1h"), system("s2", 900, "1h"), block("u", 2000, "5m"), block("q", 30))
    assert send(state, other, 10) == Split(plain=30, read=600, write_1h=900, write_5m=2000)
    assert send(state, prompt, 1200) == Split(plain=30, read=1600, write_5m=2000)


def test_a_deep_hit_refreshes_the_entry_found_and_the_others_only_by_decision() -> None:
    for every, read in ((False, 0), (True, 1000)):
        state = CacheState(Decisions(refresh_all_prefixes=every))
        prompt = claude(system("s", 1000, "5m"), block("u", 500, "5m"))
        send(state, prompt, 0)
        assert send(state, prompt, 290).read == 1500
        assert send(state, claude(system("s", 1000, "5m"), block("v", 500)), 500).read == read


def test_a_longer_marker_on_what_was_read_upgrades_only_by_decision() -> None:
    for upgrade, read in ((False, 0), (True, 1000)):
        state = CacheState(Decisions(upgrade_lifetime=upgrade))
        send(state, claude(system("s", 1000, "5m")), 0)
        assert send(state, claude(system("s", 1000, "1h")), 10) == Split(plain=0, read=1000)
        assert send(state, claude(system("s", 1000, "1h")), 2000).read == read


MESSAGES = [
    {"tool_choice": ("none",)},
    {"disable_parallel_tool_use": True},
    {"thinking": ("enabled", 2048)},
    {"effort": "low"},
    {"images": True},
]
SYSTEM = [{"web_search": True}, {"web_fetch": True}, {"citations": True}, {"speed": "fast"}]


@pytest.mark.parametrize("change", [*MESSAGES, *SYSTEM])
def test_t8_a_setting_invalidates_from_its_level(change: dict[str, Any]) -> None:
    state = CacheState()
    blocks = (tool("t", 600, "5m"), system("s", 1000, "5m"), block("u", 2000, "5m"))
    send(state, claude(*blocks), 0)
    read = 1600 if change in MESSAGES else 600
    assert send(state, claude(*blocks, settings=change), 10).read == read
    assert send(state, claude(*blocks, settings=change), 20).read == 3600


def test_t8_thinking_can_invalidate_the_tools_by_decision() -> None:
    state = CacheState(Decisions(thinking_invalidates_from=Level.TOOLS))
    blocks = (tool("t", 600, "5m"), system("s", 1000, "5m"))
    send(state, claude(*blocks), 0)
    assert send(state, claude(*blocks, settings={"effort": "low"}), 10).read == 0


def test_t8_an_image_anywhere_changes_the_messages() -> None:
    state = CacheState()
    send(state, claude(system("s", 1000, "5m"), block("u", 500, "5m")), 0)
    picture = block("i", 300, kind="image")
    assert send(state, claude(system("s", 1000, "5m"), block("u", 500, "5m"), picture), 10).read == 1000


def test_t11_entries_belong_to_a_model_and_a_scope() -> None:
    state = CacheState()
    send(state, claude(system("s", 1000, "5m")), 0)
    assert send(state, claude(system("s", 1000, "5m"), scope="other"), 10).read == 0
    other = Prompt(model="claude-y", regime=claude().regime, minimum_prefix=512, blocks=(system("s", 1000, "5m"),))
    assert send(state, other, 20).read == 0


def test_t13_a_new_user_text_cuts_the_message_cache_of_models_that_drop_thinking() -> None:
    turn = (
        block("u1", 600, message=0),
        block("th", 500, message=1, role="assistant", kind="thinking"),
        block("c", 100, message=1, role="assistant", kind="tool_use"),
        block("r", 400, "5m", message=2, kind="tool_result"),
    )
    more = (block("a", 50, message=3, role="assistant"), block("u2", 60, "5m", message=4))
    for keeps, expected in (
        (True, Split(plain=0, read=2600, write_5m=110)),
        (False, Split(plain=0, read=1000, write_5m=1210)),
    ):
        state = CacheState()
        send(state, claude(system("s", 1000, "5m"), *turn, keeps_thinking=keeps), 0)
        follow = claude(system("s", 1000, "5m"), *turn, *more, keeps_thinking=keeps)
        assert send(state, follow, 10) == expected


@pytest.mark.parametrize(
    "conflict",
    [
        {"stream": True},
        {"batch": True},
        {"structured": True},
        {"settings": {"thinking": ("enabled", 1024)}},
        {"settings": {"tool_choice": ("any",)}},
        {"settings": {"tool_choice": ("tool", "x")}},
    ],
)
def test_a_pre_warm_refuses_what_would_need_an_answer(conflict: dict[str, Any]) -> None:
    with pytest.raises(Rejected, match="max_tokens: 0"):
        admit(CacheState(), claude(system("s", 1000, "5m"), max_tokens=0, **conflict), 0)
    assert admit(CacheState(), claude(system("s", 1000, "5m"), max_tokens=1, **conflict), 0).split.write_5m == 1000


def test_a_prompt_without_blocks_is_nothing() -> None:
    assert admit(CacheState(), claude(automatic="5m"), 0).split == Split(plain=0)


class Reference:
    """The same rules as a list of stored prefixes, for prompts of plain text blocks at one level."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, ...], dict[str, list[float]]] = {}

    def send(self, names: list[str], tokens: list[int], marks: dict[int, str], at: float) -> Split:
        def live(length: int) -> list[str]:
            entries = self.stored.get(tuple(names[:length]), {})
            return [ttl for ttl, (base, ready) in entries.items() if ready <= at <= base + {"5m": 300, "1h": 3600}[ttl]]

        valid = {length: ttl for length, ttl in marks.items() if sum(tokens[:length]) >= 512}
        hit = 0
        for mark in sorted(valid, reverse=True):
            window = [length for length in range(mark, max(0, mark - 20), -1) if live(length)]
            if window and not hit:
                hit = window[0]
        read = sum(tokens[:hit])
        hour = sum(tokens[: max([length for length, ttl in valid.items() if ttl == "1h" and length > hit] or [hit])])
        last = max(sum(tokens[: max(valid, default=0)]), read)
        for ttl in live(hit) if hit else ():
            self.stored[tuple(names[:hit])][ttl][0] = at
        for length, ttl in valid.items():
            if length > hit:
                self.stored.setdefault(tuple(names[:length]), {})[ttl] = [at, at + 1]
        return Split(plain=sum(tokens) - last, read=read, write_1h=hour - read, write_5m=last - hour)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_it_equals_a_plain_list_of_stored_prefixes(data: st.DataObject) -> None:
    state, reference, at = CacheState(), Reference(), 0.0
    sizes = {name: data.draw(st.sampled_from([60, 150, 400]), name) for name in "abc"}
    for _ in range(data.draw(st.integers(2, 6), "requests")):
        at += data.draw(st.sampled_from([2.0, 100.0, 300.0, 301.0, 3600.0, 3601.0]), "gap")
        names = list("ab" * data.draw(st.integers(1, 14), "pairs") + data.draw(st.text("abc", max_size=3), "tail"))
        lengths = sorted(data.draw(st.sets(st.integers(1, len(names)), max_size=4), "marks"))
        hours = data.draw(st.integers(0, len(lengths)), "hours")
        marks = {length: "1h" if index < hours else "5m" for index, length in enumerate(lengths)}
        tokens = [sizes[name] for name in names]
        blocks = [block(name, tokens[index], marks.get(index + 1)) for index, name in enumerate(names)]
        assert send(state, claude(*blocks), at) == reference.send(names, tokens, marks, at)
