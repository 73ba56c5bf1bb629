from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.svg import Line, chart, round_ticks


def test_a_chart_is_well_formed_and_holds_every_line() -> None:
    text = chart(
        "a < b & c",
        "x",
        "y",
        [Line("one", [(0, 0), (1, 2)]), Line("two", [(0.5, 1)]), Line("d", [(0, 0), (1, 1)], dashed=True)],
    )
    root = ET.fromstring(text)  # noqa: S314 - our own chart
    names = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert names.count("polyline") == 2
    assert names.count("circle") == 1
    labels = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"one", "two", "d", "a < b & c"} <= set(labels)


def test_a_flat_line_does_not_divide_by_nothing() -> None:
    ET.fromstring(chart("t", "x", "y", [Line("flat", [(1, 1), (1, 1)])]))  # noqa: S314 - our own chart


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.644, 0.927, [0.65, 0.7, 0.75, 0.8, 0.85, 0.9]),
        (-3.0, 40.0, [0.0, 10.0, 20.0, 30.0, 40.0]),
        (2.0, 2.0, [2.0]),
    ],
)
def test_ticks_are_round_numbers_inside_the_axis(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high) == ticks
