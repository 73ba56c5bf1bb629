from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.reuse import ReuseEvidence
from penstock.evidence.sightings import Entry, Outlook, Shape
from penstock.levers.cache.guard import Standing
from penstock.levers.cache.place import Case, case_of, place
from penstock.levers.cache.planner import Fixed, Terms, Write, in_order
from tests.levers.cache.prompts import NOW, Blocks

TERMS = Terms(read=0.1, writes=(Write("1h", 3600.0, 2.0), Write("5m", 300.0, 1.25)), minimum=1024)
FREE = Standing(1e9)
SURE = 0.95


def _case(names: str = "abcdef", *, likely: Sequence[int] = (), entry: int = -1, standing: Standing = FREE) -> Case:
    """A prompt of a thousand tokens a letter; ``likely`` positions come again, and ``entry`` is cached."""
    reuse, chain = ReuseEvidence(), Blocks(names)
    if entry >= 0:
        reuse.observe("t", chain, NOW - 10.0, [Entry(entry, 300.0)])
    found = case_of(reuse, "t", "m", chain, TERMS, now=NOW)
    spots = [(position, SURE) for position in likely]
    return found._replace(outlook=Outlook(spots, {}, {}), standing=standing)


def test_what_comes_again_is_marked_where_it_ends() -> None:
    placed = place(_case(likely=[3]))
    assert [mark.position for mark in placed.marks] == [3]
    assert placed.reader is None
    assert placed.refused == ""


def test_what_does_not_come_again_is_not_marked() -> None:
    assert place(_case()).marks == []


def test_a_live_entry_that_no_marker_would_find_gets_one_that_writes_nothing() -> None:
    placed = place(_case(entry=2))
    (reader,) = placed.marks
    assert placed.reader is reader
    assert (reader.position, reader.tokens) == (2, 0)


def test_an_entry_is_read_with_a_marker_of_its_own_lifetime() -> None:
    reuse, chain = ReuseEvidence(), Blocks("abcdef")
    reuse.observe("t", chain, NOW - 10.0, [Entry(2, 3600.0)])
    placed = place(case_of(reuse, "t", "m", chain, TERMS, now=NOW)._replace(outlook=Outlook([], {}, {}), standing=FREE))
    assert [(mark.position, mark.ttl) for mark in placed.marks] == [(2, "1h")]


def test_a_marker_that_pays_and_finds_the_entry_is_the_reader() -> None:
    placed = place(_case(likely=[4], entry=2))
    assert [mark.position for mark in placed.marks] == [4]
    assert placed.reader is placed.marks[0]
    assert placed.marks[0].tokens == 2000


def test_t3_an_entry_beyond_the_look_back_window_gets_a_marker_of_its_own() -> None:
    names = "".join(chr(ord("A") + n) for n in range(40))
    placed = place(_case(names, likely=[39], entry=15))
    assert [mark.position for mark in placed.marks] == [15, 39]
    assert placed.reader is placed.marks[0]
    assert [mark.position for mark in place(_case(names, likely=[34], entry=15)).marks] == [34]


def test_t4_an_entry_below_the_minimum_is_none() -> None:
    assert _case(entry=0).entry == -1
    assert _case(entry=1).entry == 1
    assert place(_case(entry=0)).reader is None


def test_the_client_s_own_marker_that_finds_the_entry_is_enough() -> None:
    placed = place(_case(entry=2), [Fixed(3, "5m", 300.0)])
    assert placed.marks == []
    assert placed.reader is None


def test_t5_four_markers_of_the_client_leave_no_room() -> None:
    fixed = [Fixed(position, "5m", 300.0) for position in range(4)]
    assert place(_case(likely=[5], entry=2), fixed).marks == []


def test_what_the_guard_does_not_allow_is_not_written_and_the_reason_is_kept() -> None:
    placed = place(_case(likely=[3], standing=Standing(0.0, streak="4.2 reads were expected")))
    assert placed.marks == []
    assert placed.refused == "4.2 reads were expected"
    assert place(_case(standing=Standing(0.0, streak="4.2 reads were expected"))).refused == ""


def test_a_task_that_stands_down_still_reads_what_is_there() -> None:
    placed = place(_case(likely=[5], entry=2, standing=Standing(0.0, streak="4.2 reads were expected")))
    assert placed.reader is not None
    assert [(mark.position, mark.tokens) for mark in placed.marks] == [(2, 0)]


@given(
    likely=st.lists(st.integers(0, 11), unique=True, max_size=6).map(sorted),
    entry=st.integers(-1, 11),
    fixed=st.dictionaries(st.integers(0, 11), st.sampled_from(["1h", "5m"]), max_size=4),
    allowed=st.sampled_from([0.0, 500.0, 1e9]),
)
def test_t5_every_placement_is_one_that_the_provider_accepts_and_the_guard_allows(
    likely: list[int], entry: int, fixed: dict[int, str], allowed: float
) -> None:
    lives = {"1h": 3600.0, "5m": 300.0}
    longest_first = sorted(fixed.values(), key=lambda ttl: -lives[ttl])
    own = [Fixed(position, ttl, lives[ttl]) for position, ttl in zip(sorted(fixed), longest_first, strict=True)]
    case = _case("abcdefghijkl", likely=likely, entry=entry, standing=Standing(allowed, streak="no"))
    placed = place(case, own)
    positions = [mark.position for mark in placed.marks]
    assert len(positions) + len(own) <= 4
    assert positions == sorted(set(positions))
    assert all(in_order(mark.position, lives[mark.ttl], own) for mark in placed.marks)
    ttls = [lives[mark.ttl] for mark in placed.marks]
    assert ttls == sorted(ttls, reverse=True)
    rates = {"1h": 2.0, "5m": 1.25}
    assert sum((rates[mark.ttl] - 1.0) * mark.tokens for mark in placed.marks) <= allowed
    assert placed.reader is None or placed.reader in placed.marks


def test_a_first_prompt_has_its_spare_markers_on_several_ends_and_a_later_turn_has_none_to_spare() -> None:
    reuse, first = ReuseEvidence(), Blocks("abcdef")
    first.shape = Shape.FIRST_WITH_TOOLS
    marks = place(case_of(reuse, "t", "m", first, TERMS, now=NOW)._replace(standing=FREE)).marks
    assert [mark.position for mark in marks][-1] == 5
    assert len(marks) == TERMS.slots
    assert sum(mark.tokens for mark in marks) == first.upto(5)  # what one marker would write
    reuse.observe("t", first, NOW, [Entry(mark.position, 300.0) for mark in marks])
    turn = Blocks("abcdefghi")
    turn.shape = Shape.TOOL_RESULT
    later = place(case_of(reuse, "t", "m", turn, TERMS, now=NOW + 10.0)._replace(standing=FREE)).marks
    assert {mark.position for mark in later if mark.tokens} <= {6, 8}
    assert later[-1].position == 8
