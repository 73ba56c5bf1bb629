from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dashboard.chart import MOST_BARS, SIZE, STEPS_S, chart_of, step_of
from penstock.ledger.by_lever import SavedBy

LEVERS = ("cache", "route", "no edit")
amounts = st.integers(-(10**14), 10**14)


def saved(**by_lever: int) -> SavedBy:
    return SavedBy(by_lever=by_lever)


@given(st.dictionaries(st.integers(0, 60), st.dictionaries(st.sampled_from(LEVERS), amounts), max_size=9))
def test_every_amount_has_a_block_of_its_height_inside_the_box(bars: dict[int, dict[str, int]]) -> None:
    chart = chart_of({number: SavedBy(by_lever=dict(by)) for number, by in bars.items()}, 60, LEVERS)
    shown = sorted(
        (number * 60.0, lever, amount) for number, by in bars.items() for lever, amount in by.items() if amount
    )
    if chart is None:
        assert shown == []
        return
    assert sorted((block.at, block.lever, block.amount) for block in chart.blocks) == shown
    whole = chart.top - chart.bottom
    for block in chart.blocks:
        assert block.height == pytest.approx(abs(block.amount) / whole * SIZE)
        assert -1e-6 <= block.x < block.x + block.width <= SIZE + 1e-6
        assert -1e-6 <= block.y <= block.y + block.height <= SIZE + 1e-6


def test_savings_stack_up_from_the_line_and_losses_down() -> None:
    chart = chart_of({10: saved(cache=30, route=30), 11: saved(cache=-40)}, 60, LEVERS)
    assert chart is not None
    assert (chart.top, chart.bottom, chart.zero, chart.first, chart.last) == (60, -40, 600, 600.0, 720.0)
    assert [(block.y, block.height) for block in chart.blocks] == [(300, 300), (0, 300), (600, 400)]


@given(st.floats(0, 10**9))
def test_a_time_is_cut_into_no_more_bars_than_fit(seconds: float) -> None:
    step = step_of(seconds)
    assert step in STEPS_S
    assert seconds / step < MOST_BARS or step == STEPS_S[-1]
