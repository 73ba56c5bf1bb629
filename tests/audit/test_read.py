from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.audit.read import MIXED, NO_DIALECT, NO_TIME, NO_USAGE, OTHER_RECORD, SAME_ID, read_calls, total_bytes
from penstock.audit.reading import ReadReport
from penstock.errors import InputError, UsageError
from penstock.wire.recorded import RecordedCall
from tests.audit.importers.lines import chat_request, chat_response, claude_request, claude_response


def native(number: int, **more: Any) -> dict[str, Any]:
    return {
        "ts": 1790845200 + number,
        "api": "anthropic.messages",
        "request": claude_request(),
        "response": claude_response(id=f"msg_{number}"),
        "status": 200,
        **more,
    }


def write(path: Path, lines: Iterable[dict[str, Any] | bytes]) -> Path:
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines) + b"\n")
    return path


def read(*paths: Path, format_name: str = "auto") -> tuple[list[RecordedCall], ReadReport]:
    report = ReadReport()
    return list(read_calls(paths, report, format_name=format_name)), report


def reasons(report: ReadReport) -> dict[str, int]:
    return {reason: tally.count for reason, tally in (*report.skipped.items(), *report.warnings.items())}


def test_a_clean_log_gives_every_call_and_no_complaint(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [native(k) for k in range(5)])
    calls, report = read(path)
    assert len(calls) == 5
    assert (report.records, report.accepted, report.with_usage, report.with_ts) == (5, 5, 5, 5)
    assert report.seconds == 4
    assert report.files == {str(path): "native"}
    assert reasons(report) == {}


def test_bad_lines_are_counted_by_reason_and_never_fatal(tmp_path: Path) -> None:
    lines = [
        b"garbage",
        native(1),
        b'{"ts": 1, "api": "anthropic.messages", "requ',
        {"some": "other"},
        native(2, response=claude_response(id="msg_2", usage=None)),
        native(3, ts=None),
        {"ts": 1790845203, "request": {"model": "own", "messages": []}, "response": {"id": "x"}},
        '{"ts":1790845204,"api":"openai.chat","request":{"model":"é"},"response":{"id":"y"}}'.encode("latin-1"),
        native(4, response={"type": "error"}, status=529),
    ]
    calls, report = read(write(tmp_path / "log.jsonl", lines))
    assert len(calls) == 6
    assert report.records == 9
    assert reasons(report) == {
        "not a JSON object": 2,
        OTHER_RECORD: 1,
        MIXED: 1,
        NO_USAGE: 3,
        NO_TIME: 1,
        NO_DIALECT: 1,
        "not UTF-8; read as Latin-1": 1,
    }
    assert report.skipped["not a JSON object"].example == "log.jsonl:1"
    assert report.skipped[OTHER_RECORD].example == "log.jsonl:4"


def test_duplicates_are_left_out_by_response_id_across_files(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl", [native(1), native(2)])
    pair = {"request": claude_request(), "response": claude_response(id="msg_2")}
    second = write(tmp_path / "b.jsonl", [pair])
    calls, report = read(first, second)
    assert [call.response_id for call in calls] == ["msg_1", "msg_2"]
    assert (report.duplicates.count, report.duplicates.example) == (1, "b.jsonl:1")


def test_a_careless_logger_s_repeated_id_loses_no_calls(tmp_path: Path) -> None:
    lines = [native(k, response=claude_response(usage={"input_tokens": 10 + k, "output_tokens": 1})) for k in range(3)]
    calls, report = read(write(tmp_path / "log.jsonl", lines))
    assert len(calls) == 3
    assert report.warnings[SAME_ID].count == 2


def test_batch_halves_join_across_files_and_a_gzip(tmp_path: Path) -> None:
    asked = [{"custom_id": str(k), "params": claude_request()} for k in range(3)]
    answers = [
        {"custom_id": str(k), "result": {"type": "succeeded", "message": claude_response(id=f"msg_{k}")}}
        for k in (2, 0, 1)
    ]
    results = tmp_path / "results.jsonl.gz"
    results.write_bytes(gzip.compress(b"\n".join(json.dumps(x).encode() for x in answers)))
    calls, report = read(write(tmp_path / "in.jsonl", asked), results)
    assert [call.response_id for call in calls] == ["msg_2", "msg_0", "msg_1"]
    assert all(call.request for call in calls)
    assert report.records == 6


def test_a_folder_is_read_by_name_and_foreign_files_in_it_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "b.jsonl", [native(2)])
    write(tmp_path / "a.jsonl", [native(1)])
    write(tmp_path / "other.json", [{"spend": 1}])
    (tmp_path / "notes.txt").write_text("hello")
    calls, report = read(tmp_path)
    assert [call.response_id for call in calls] == ["msg_1", "msg_2"]
    assert report.skipped[OTHER_RECORD].example == "other.json:1"
    assert total_bytes([tmp_path]) == sum(path.stat().st_size for path in tmp_path.glob("*.json*"))


def test_a_file_of_garbage_alone_is_counted_line_by_line(tmp_path: Path) -> None:
    calls, report = read(write(tmp_path / "junk.jsonl", [b"one", b"two"]))
    assert calls == []
    assert report.skipped["not a JSON object"].count == 2


def test_an_unknown_format_that_was_named_is_an_error_with_a_hint(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [{"spend": 1}])
    with pytest.raises(InputError, match="of no format that is read here") as raised:
        read(path)
    assert "native" in str(raised.value.hint)


def test_an_ambiguous_record_is_an_error_that_names_the_flag(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", [{"custom_id": "a", "request": {}, "response": {}, "error": None}])
    with pytest.raises(InputError, match="could be pairs or openai-batch") as raised:
        read(path)
    assert raised.value.hint == "say which with --format"


def test_a_given_format_settles_an_ambiguity(tmp_path: Path) -> None:
    line = {"custom_id": "a", "error": None, "request": chat_request(), "response": chat_response()}
    calls, _ = read(write(tmp_path / "x.jsonl", [line]), format_name="pairs")
    assert len(calls) == 1


def test_a_wrong_format_name_and_missing_places_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no log format"):
        read(tmp_path, format_name="csv")
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none")
    with pytest.raises(InputError, match="no log files in this folder"):
        read(tmp_path)


def test_progress_counts_the_bytes_of_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "log.jsonl", [native(1), b"junk"])
    seen: list[int] = []
    list(read_calls([path], ReadReport(), progress=seen.append))
    assert sum(seen) == path.stat().st_size


KEYS = ["id", "usage", "model", "type", "messages"]


@given(
    lines=st.lists(
        st.one_of(
            st.integers(0, 9).map(lambda k: json.dumps(native(k)).encode()),
            st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"")),
            st.dictionaries(
                st.sampled_from(["api", "request", "response", "usage", "ts", "status", "tags", "custom_id", "params"]),
                st.recursive(
                    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
                    lambda inner: st.one_of(
                        st.lists(inner, max_size=3),
                        st.dictionaries(
                            st.sampled_from(["id", "usage", "model", "type", "messages"]), inner, max_size=3
                        ),
                    ),
                    max_leaves=6,
                ),
            ).map(lambda fields: json.dumps(fields).encode()),
        ),
        max_size=12,
    )
)
@settings(max_examples=75, deadline=None)
def test_every_line_ends_up_as_a_call_a_skip_or_a_duplicate(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("any") / "log.jsonl"
    path.write_bytes(b"\n".join([json.dumps(native(0)).encode(), *lines]))
    calls, report = read(path)
    skipped = sum(tally.count for tally in report.skipped.values())
    assert report.accepted == len(calls)
    assert report.accepted + report.duplicates.count + skipped <= report.records
    # Only joined batch halves are two records for one call.
    halves = sum(b"custom_id" in line for line in lines)
    assert report.accepted + report.duplicates.count + skipped >= report.records - halves
