from __future__ import annotations

from pathlib import Path

import msgspec

from penstock.audit.importers.format import Found
from penstock.audit.importers.join import NO_ANSWER, NO_ID, BatchReading
from penstock.audit.importers.record import Record, parse_record
from penstock.audit.lines import read_lines
from penstock.audit.reading import ReadReport, Skipped
from penstock.wire.recorded import RecordedCall


def joined(request: Record | None, result: Record) -> Found:
    asked = None if request is None else request.raw("ask")
    return RecordedCall(ts=None, dialect=None, model="m", request=asked, response=result.raw("get"))


def read(path: Path) -> list[Found]:
    reading = BatchReading(lambda record: "ask" in record, joined)
    found: list[Found] = []
    for line in read_lines(path, ReadReport()):
        record = parse_record(line)
        assert isinstance(record, Record)
        found += reading.feed(record)
    return [*found, *reading.finish()]


def test_the_half_that_waited_is_read_again_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    path.write_bytes(
        b'{"custom_id":"a","ask":1}\n{"custom_id":"b","get":20}\n{"custom_id":"b","ask":2}\n{"custom_id":"a","get":10}\n'
    )
    pairs = [(call.request, call.response) for call in read(path) if isinstance(call, RecordedCall)]
    assert pairs == [(b"2", b"20"), (b"1", b"10")]


def test_left_over_halves_and_lines_without_an_id_are_accounted_for(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    path.write_bytes(b'{"ask":1}\n{"custom_id":"x","ask":1}\n{"custom_id":"y","get":1}\n{"custom_id":null,"get":1}\n')
    found = read(path)
    assert [each for each in found if isinstance(each, Skipped)] == [
        Skipped(NO_ID, "batch.jsonl:1"),
        Skipped(NO_ID, "batch.jsonl:4"),
        Skipped(NO_ANSWER, "batch.jsonl:2"),
    ]
    (call,) = (each for each in found if isinstance(each, RecordedCall))
    assert (call.request, call.response) == (None, b"1")


def test_a_number_is_an_id_too(tmp_path: Path) -> None:
    path = tmp_path / "batch.jsonl"
    path.write_bytes(b"\n".join(msgspec.json.encode({"custom_id": 7, name: 1}) for name in ("ask", "get")))
    (call,) = read(path)
    assert isinstance(call, RecordedCall)
    assert call.request == b"1"
