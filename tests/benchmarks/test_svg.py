from __future__ import annotations

from xml.etree import ElementTree as ET

from benchmarks.svg import Line, chart


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
