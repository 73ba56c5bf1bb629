from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.audit.importers.record import NOT_JSON, Record, fields_of, number_of, parse_record, time_of
from penstock.audit.lines import Line
from penstock.audit.reading import Skipped
from tests.audit.importers.lines import record


@pytest.mark.parametrize("data", [b"[1]", b"nope", b'{"a":', b'"text"', b"\x00\x01", b"{" * 100_000])
def test_a_line_that_is_no_object_is_skipped_with_its_place(data: bytes) -> None:
    assert parse_record(Line(data, 7, Path("x.jsonl"))) == Skipped(NOT_JSON, "x.jsonl:7")


def test_latin_1_is_read_and_flagged() -> None:
    parsed = parse_record(Line('{"a":"café"}'.encode("latin-1"), 1, Path("x")))
    assert isinstance(parsed, Record)
    assert parsed.recoded
    assert parsed.text("a") == "café"


def test_values_stay_raw_until_asked_for_and_the_last_of_two_keys_counts() -> None:
    line = record(b'{"a": 1e2, "b": {"x": 123456789012345678901234567890}, "a": null, "c": "7.5", "d": true}')
    assert line.raw("a") is None
    assert line.value("a") is None
    assert line.raw("b") == b'{"x": 123456789012345678901234567890}'
    assert (line.number("c"), line.number("d"), line.text("d"), line.text("none")) == (7.5, None, None, None)
    assert "b" in line
    assert "none" not in line


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1790845200, 1790845200.0),
        (1790845200.12, 1790845200.12),
        (1790845200120, 1790845200.12),
        (1790845200120000, 1790845200.12),
        ("1790845200000000000", 1790845200.0),
        ("2026-10-01T09:00:00Z", 1790845200.0),
        ("2026-10-01T11:00:00+02:00", 1790845200.0),
        ("2026-10-01 09:00:00.000", 1790845200.0),
        ("tomorrow", None),
        (-5, None),
        (12, None),
        (True, None),
        (None, None),
        ([], None),
        (float("inf"), None),
        (1e300, None),
        ("9999-12-31T23:59:59", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_times_of_every_unit_and_spelling(value: object, seconds: float | None) -> None:
    assert time_of(value) == (seconds if seconds is None else pytest.approx(seconds))


def test_the_first_key_with_a_time_counts() -> None:
    assert record({"ts": None, "timestamp": "2026-10-01T09:00:00Z"}).time("ts", "timestamp") == 1790845200.0


@pytest.mark.parametrize("value", ["", "x", "nan", "1e999", float("nan"), 10**400, {}, False])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert number_of(value) is None


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_record_or_a_reason(data: bytes) -> None:
    parsed = parse_record(Line(data, 1, Path("x")))
    assert isinstance(parsed, (Record, Skipped))
    assert fields_of(data) is None or isinstance(parsed, Record)
