from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.reuse import Outlook
from penstock.levers.cache.planner import Fixed, Terms, Write, in_order, plan_markers
from tests.levers.cache.prompts import Blocks

SHORT, LONG_LIFE = Write("5m", 300.0, 1.25), Write("1h", 3600.0, 2.0)
ANTHROPIC = Terms(read=0.1, writes=(LONG_LIFE, SHORT), minimum=1000)
FIVE = Terms(read=0.1, writes=(SHORT,), minimum=1000)
chances = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8).map(lambda many: sorted(many, reverse=True))


def _outlook(soon: Sequence[float], later: float = 0.0, then: float = 0.0) -> Outlook:
    """A spot per block; ``later`` is the chance to come in the rest of the hour, ``then`` of yet another request."""
    stays = {300.0: 1.0, 3600.0: 1.0 - later}
    return Outlook(list(enumerate(soon)), stays, {300.0: then, 3600.0: then})


def _chain(soon: Sequence[float]) -> Blocks:
    return Blocks("abcdefgh"[: len(soon)])


def test_t14_a_five_minute_write_needs_more_than_278_reads_in_a_thousand() -> None:
    assert plan_markers(_chain([0.27]), _outlook([0.27]), FIVE) == []
    (mark,) = plan_markers(_chain([0.29]), _outlook([0.29]), FIVE)
    assert (mark.position, mark.ttl, mark.tokens) == (0, "5m", 1000)
    assert mark.saving == pytest.approx(1000 * (0.29 * 0.9 - 0.25))


def test_t14_one_expected_read_never_pays_for_an_hour() -> None:
    hour = Terms(read=0.1, writes=(LONG_LIFE,), minimum=1000)
    assert plan_markers(_chain([1.0]), _outlook([1.0]), hour) == []


def test_t14_an_hour_pays_where_the_prompt_keeps_coming_after_the_five_minutes() -> None:
    (mark,) = plan_markers(_chain([0.0]), _outlook([0.0], later=0.99, then=0.99), ANTHROPIC)
    assert mark.ttl == "1h"
    (mark,) = plan_markers(_chain([0.99]), _outlook([0.99], then=0.99), ANTHROPIC)
    assert mark.ttl == "5m"


def test_t14_a_read_factor_of_a_twentieth_pays_sooner() -> None:
    cheap = Terms(read=0.05, writes=(SHORT,), minimum=1000)
    assert plan_markers(_chain([0.27]), _outlook([0.27]), FIVE) == []
    assert len(plan_markers(_chain([0.27]), _outlook([0.27]), cheap)) == 1


def test_without_a_fee_everything_that_may_come_again_is_written() -> None:
    free = Terms(read=0.1, writes=(Write("5m", 300.0, 1.0),), minimum=1000)
    marks = plan_markers(_chain([0.5, 0.01]), _outlook([0.5, 0.01]), free)
    assert max(mark.position for mark in marks) == 1


def test_t02_the_marker_stands_at_the_end_of_what_is_shared() -> None:
    (mark,) = plan_markers(_chain([0.9, 0.9, 0.9, 0.05]), _outlook([0.9, 0.9, 0.9, 0.05]), FIVE)
    assert (mark.position, mark.tokens) == (2, 3000)


def test_t04_nothing_below_the_minimum_is_marked() -> None:
    terms = Terms(read=0.1, writes=(SHORT,), minimum=2001)
    (mark,) = plan_markers(_chain([0.9] * 3), _outlook([0.9] * 3), terms)
    assert mark.position == 2
    assert plan_markers(_chain([0.9] * 2), _outlook([0.9] * 2), terms) == []


def test_what_is_cached_already_is_not_written_again() -> None:
    (mark,) = plan_markers(_chain([0.9] * 4), _outlook([0.9] * 4), FIVE, entry=1)
    assert (mark.position, mark.tokens) == (3, 2000)
    assert plan_markers(_chain([0.9] * 4), _outlook([0.9] * 4), FIVE, entry=3) == []


def test_t05_no_slot_no_marker() -> None:
    assert plan_markers(_chain([0.9]), _outlook([0.9]), FIVE, slots=0) == []


def test_t05_lifetimes_may_not_rise_along_a_prompt() -> None:
    hour, short = Fixed(2, "1h", 3600.0), Fixed(2, "5m", 300.0)
    assert in_order(1, 3600.0, [hour, Fixed(3, "5m", 300.0)])
    assert not in_order(1, 300.0, [hour])
    assert in_order(3, 300.0, [hour])
    assert not in_order(3, 3600.0, [short])


def test_where_the_client_pays_for_the_write_anyway_a_marker_before_it_costs_nothing() -> None:
    fixed = [Fixed(2, "5m", 300.0)]
    marks = plan_markers(_chain([0.1] * 3), _outlook([0.1] * 3), FIVE, fixed=fixed)
    assert marks
    assert all(mark.position < 2 for mark in marks)
    assert plan_markers(_chain([0.1] * 3), _outlook([0.1] * 3), FIVE) == []


def _worth_of(marks: Sequence[tuple[int, int]], soon: Sequence[float]) -> float:
    """Expected saving of five-minute markers by hand: (position, tokens written)."""
    return sum(tokens * (soon[position] * 0.9 - 0.25) for position, tokens in marks)


@given(chances, st.integers(1, 4), st.integers(-1, 7))
@settings(max_examples=80, deadline=None)
def test_no_other_set_of_markers_would_save_more(soon: list[float], slots: int, entry: int) -> None:
    entry = min(entry, len(soon) - 1)
    marks = plan_markers(_chain(soon), _outlook(soon), FIVE, entry=entry, slots=slots)
    ours = _worth_of([(mark.position, mark.tokens) for mark in marks], soon)
    assert ours == pytest.approx(sum(mark.saving for mark in marks))
    for chosen in range(1 << len(soon)):
        positions = [position for position in range(len(soon)) if chosen >> position & 1]
        if len(positions) > slots or (positions and positions[0] <= entry):
            continue
        stretches = [1000 * (here - before) for before, here in zip([entry, *positions], positions, strict=False)]
        assert _worth_of(list(zip(positions, stretches, strict=True)), soon) <= ours + 1e-6


@given(chances, st.floats(0.0, 1.0), st.floats(0.0, 0.99), st.data())
@settings(max_examples=80, deadline=None)
def test_t05_every_plan_is_one_that_the_provider_accepts(
    soon: list[float], later: float, then: float, data: st.DataObject
) -> None:
    places = data.draw(st.lists(st.integers(0, len(soon) - 1), unique=True, max_size=4))
    hours = data.draw(st.integers(0, len(places)))
    fixed = [Fixed(place, *(("1h", 3600.0) if n < hours else ("5m", 300.0))) for n, place in enumerate(sorted(places))]
    marks = plan_markers(_chain(soon), _outlook(soon, later, then), ANTHROPIC, slots=4 - len(fixed), fixed=fixed)
    together = sorted([(mark.position, mark.ttl) for mark in marks] + [(mark.position, mark.ttl) for mark in fixed])
    assert len(together) <= 4
    assert len({position for position, _ in together}) == len(together)
    lifetimes = [ttl for _, ttl in together]
    assert lifetimes == sorted(lifetimes)
    assert all(mark.saving > 0.0 and mark.tokens > 0 for mark in marks)


def _kept(*, late: float = 0.2, entry_life: float = 300.0, fixed: Sequence[Fixed] = ()) -> list[tuple[int, str, int]]:
    """Markers of a prompt of eight thousand tokens of which seven are cached, and whose end seldom comes back soon."""
    outlook = _outlook([0.1] * 8, later=late)
    marks = plan_markers(_chain([0.1] * 8), outlook, ANTHROPIC, entry=6, entry_life=entry_life, fixed=fixed)
    return [(mark.position, mark.ttl, mark.kept) for mark in marks]


def test_an_hour_s_write_of_a_few_tokens_keeps_the_five_minute_prefix_before_them() -> None:
    assert _kept() == [(7, "1h", 7000)]


def test_a_prefix_that_lives_for_an_hour_anyway_is_not_kept_again() -> None:
    assert _kept(entry_life=3600.0) == []
    assert _kept(fixed=[Fixed(6, "1h", 3600.0)]) == []


def test_the_end_of_a_prompt_that_seldom_goes_on_keeps_nothing() -> None:
    assert _kept(late=0.16) == []
    assert _kept(late=0.17) == [(7, "1h", 7000)]


def test_keeping_a_prefix_is_worth_its_late_reads_less_the_longer_write() -> None:
    outlook = _outlook([0.1] * 8, later=0.2)
    (mark,) = plan_markers(_chain([0.1] * 8), outlook, ANTHROPIC, entry=6, entry_life=300.0)
    late = 0.9 * 0.2
    assert mark.saving == pytest.approx(7000 * late * 0.9 + 1000 * ((0.1 + late) * 0.9 - 1.0 - 0.1 * 0.75))


def test_only_the_first_longer_marker_keeps_what_stands_before() -> None:
    outlook = _outlook([*[0.5] * 6, 0.3, 0.3], later=0.5)
    marks = plan_markers(_chain([0.5] * 8), outlook, ANTHROPIC, entry=4, entry_life=300.0)
    assert [(mark.ttl, mark.kept) for mark in marks] == [("1h", 5000), ("5m", 0), ("5m", 0)]


def test_a_head_that_others_part_from_has_a_marker_of_its_own_although_the_tail_is_as_likely() -> None:
    alike = Outlook([(3, 0.9), (7, 0.9)], {}, {}, tail=7, begun=0.9)
    assert [mark.position for mark in plan_markers(_chain([0.9] * 8), alike, FIVE)] == [7]
    parted = alike._replace(parts=0.8)
    assert [mark.position for mark in plan_markers(_chain([0.9] * 8), parted, FIVE)] == [3, 7]
