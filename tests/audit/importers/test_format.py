from __future__ import annotations

from penstock.audit.importers.format import EachRecord
from penstock.audit.reading import ReadReport, Skipped
from tests.audit.importers.lines import record


def test_each_record_is_read_with_the_report_and_nothing_waits() -> None:
    report = ReadReport()

    def read(line: object, into: ReadReport) -> Skipped:
        into.warn("odd", "here")
        assert line is one
        return Skipped("no", "x")

    one = record({})
    reading = EachRecord(read, report)
    assert list(reading.feed(one)) == [Skipped("no", "x")]
    assert list(reading.finish()) == []
    assert report.warnings["odd"].count == 1
