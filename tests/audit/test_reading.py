from __future__ import annotations

from penstock.audit.reading import ReadReport, Tally
from penstock.wire.recorded import RecordedCall


def call(ts: float | None) -> RecordedCall:
    return RecordedCall(ts=ts, dialect=None, model="m", request=b"{}")


def test_the_first_place_is_kept_as_the_example() -> None:
    report = ReadReport()
    report.skip("not JSON", "a.jsonl:3")
    report.skip("not JSON", "a.jsonl:9")
    assert report.skipped == {"not JSON": Tally(2, "a.jsonl:3")}


def test_the_time_range_ignores_calls_without_a_time() -> None:
    report = ReadReport()
    for ts in (50.0, None, 20.0, 80.0):
        report.accept(call(ts))
    assert (report.first_ts, report.last_ts, report.seconds) == (20.0, 80.0, 60.0)
    assert (report.accepted, report.with_ts, report.with_request, report.with_usage) == (4, 3, 4, 0)


def test_a_log_without_times_has_no_range() -> None:
    report = ReadReport()
    report.accept(call(None))
    assert report.seconds is None


def test_reports_of_parts_add_up_to_the_report_of_the_whole() -> None:
    whole, left, right = ReadReport(), ReadReport(), ReadReport()
    for index, ts in enumerate((5.0, 9.0, None, 1.0)):
        for report in (whole, left if index < 2 else right):
            report.records += 1
            report.accept(call(ts))
            report.warn("odd", f"x:{index}")
            report.skip("bad", f"x:{index}")
            report.duplicate(f"x:{index}")
    left.merge(right)
    assert left == whole


def test_merging_into_an_empty_report_copies_the_tallies() -> None:
    other = ReadReport()
    other.skip("bad", "x:1")
    other.duplicate("x:2")
    report = ReadReport()
    report.merge(other)
    report.skip("bad", "x:3")
    assert other.skipped["bad"].count == 1
    assert report.duplicates == Tally(1, "x:2")
