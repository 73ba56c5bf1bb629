from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.variation import common_share, masked_shape, varying_spans

HEAD = "You sort mail. "
TAIL = " Answer with one word and nothing else."


def texts(*values: str) -> list[str]:
    return [HEAD + value + TAIL for value in values]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("2026-10-01T09:12:11Z", "2026-10-01T09:13:40Z"), "clock"),
        (("09:12", "17:40"), "clock"),
        (("2026-10-01", "2026-10-02"), "date"),
        (("October 1, 2026", "November 2, 2026"), "date"),
        (("1790845200", "1790845260"), "unix time"),
        (("9f1c2b34-1111-4222-8333-abcdefabcdef", "0a1c2b34-5555-4666-8777-abcdefabcdef"), "uuid"),
        (("req_8fj2k1x", "req_99k2k1z"), "id"),
        (("4bf92f3577b34da6", "00f067aa0ba902b7"), "id"),
        (("/home/ann/work", "/home/bob/work"), "path"),
        (("https://a.example/x", "https://b.example/y"), "url"),
        (("ann@example.com", "bob@example.com"), "email address"),
        (("17", "18", "19"), "counter"),
        (("10.5", "99.25"), "number"),
        (("Ann", "Bob"), "name"),
        (
            (
                "a long story about a dog that ran far away from home",
                "quite another tale with other words in it at all",
            ),
            "text",
        ),
    ],
)
def test_the_kind_of_what_varies_is_named(values: tuple[str, ...], kind: str) -> None:
    spans = varying_spans(texts(*values))
    assert spans[0].kind == kind
    assert spans[0].start >= len(HEAD)
    assert spans[-1].end <= len(HEAD) + len(values[0])


def test_a_span_covers_the_whole_value_when_only_a_part_of_it_differs() -> None:
    (span,) = varying_spans(texts("2026-10-01T09:12:11Z", "2026-10-01T09:13:11Z", "2026-10-01T09:14:11Z"))
    assert texts("2026-10-01T09:12:11Z")[0][span.start : span.end] == "2026-10-01T09:12:11Z"
    assert span.values == 3


def test_several_spans_are_found_in_order_and_values_may_differ_in_length() -> None:
    spans = varying_spans(
        [
            "id 7 for Ann on 2026-10-01, then the long static rules",
            "id 8 for Christopher on 2026-10-22, then the long static rules",
        ]
    )
    assert [span.kind for span in spans] == ["counter", "name", "date"]
    assert all(one.end <= two.start for one, two in pairwise(spans))


def test_equal_texts_vary_nowhere() -> None:
    assert varying_spans(["same"] * 3) == []


def test_long_differences_are_one_span() -> None:
    (span,) = varying_spans(texts("x " * 5000, "y " * 5000))
    assert span.end - span.start == pytest.approx(10_000, abs=2)
    assert span.kind == "text"


def test_the_share_of_common_text() -> None:
    both = texts("2026-10-01", "2026-10-02")
    assert common_share(both[0], varying_spans(both)) == pytest.approx(1 - 10 / len(both[0]))
    assert common_share("", []) == 0.0


def test_a_masked_shape_shows_no_letter_or_digit_of_the_text() -> None:
    assert masked_shape("2026-10-01T09:12Z") == "9999-99-99A99:99A"
    assert masked_shape("Größe 5\n") == "Aa??a 9?"
    assert masked_shape("x" * 50) == "a" * 40 + "..."


@given(st.lists(st.text(alphabet="ab1 -:\n", max_size=30), min_size=1, max_size=5))
@settings(max_examples=300, deadline=None)
def test_outside_the_spans_the_texts_agree(values: list[str]) -> None:
    spans = varying_spans(values)
    reference = values[0]
    position = 0
    kept = []
    for span in spans:
        assert position <= span.start <= span.end <= len(reference)
        kept.append(reference[position : span.start])
        position = span.end
    kept.append(reference[position:])
    for other in values:
        at = 0
        for piece in kept:
            found = other.find(piece, at)
            assert found >= 0
            at = found + len(piece)
