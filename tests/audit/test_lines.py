from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.audit import lines
from penstock.audit.lines import read_lines
from penstock.audit.reading import ReadReport
from penstock.errors import InputError


def read(path: Path) -> tuple[list[bytes], ReadReport]:
    report = ReadReport()
    return [line.data for line in read_lines(path, report)], report


def test_lines_carry_number_and_place_and_blank_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\r\n\n   \n {"b":2}')
    found = list(read_lines(path, ReadReport()))
    assert [(line.data, line.number, line.source) for line in found] == [
        (b'{"a":1}', 1, "a.jsonl:1"),
        (b'{"b":2}', 4, "a.jsonl:4"),
    ]


def test_gzip_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    assert read(path)[0] == [b"one", b"two"]


def test_a_cut_gzip_gives_what_came_before_and_says_so(tmp_path: Path) -> None:
    text = b"".join(b'{"n":%d,"x":"%s"}\n' % (n, bytes(str(hash((n, "x"))), "ascii")) for n in range(5000))
    packed = gzip.compress(text)
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(packed[: len(packed) // 2])
    found, report = read(path)
    assert 1000 < len(found) < 5000
    assert found[:2] == text.split(b"\n")[:2]
    assert list(report.warnings) == ["the gzip file is cut off; what came before was read"]


def test_a_damaged_gzip_is_counted_and_not_fatal(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"one\ntwo\n"))
    packed[-6] ^= 0xFF  # the checksum
    path = tmp_path / "bad.gz"
    path.write_bytes(packed)
    found, report = read(path)
    assert found in ([], [b"one", b"two"])
    assert list(report.warnings) == ["the gzip file is damaged; what came before was read"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
def test_wide_encodings_with_a_mark_are_converted_and_counted(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding in ("utf-16", "utf-32") else "\ufeff"
    path = tmp_path / "wide.jsonl"
    path.write_bytes((mark + '{"a":"é"}\n{"b":"😀"}\n').encode(encoding))
    found, report = read(path)
    assert found == ['{"a":"é"}'.encode(), '{"b":"😀"}'.encode()]
    assert [reason for reason in report.warnings if "converted" in reason] != []


def test_a_utf8_mark_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "bom.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a":1}\n')
    line = next(iter(read_lines(path, ReadReport())))
    assert line.data == b'{"a":1}'
    assert line.offset == 3


def test_an_overlong_line_is_skipped_and_the_next_one_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 20)
    monkeypatch.setattr(lines, "CHUNK", 7)
    path = tmp_path / "long.jsonl"
    path.write_bytes(b"x" * 50 + b"\nshort\n" + b"y" * 21)
    found, report = read(path)
    assert found == [b"short"]
    assert report.skipped["line longer than 64 MiB"].count == 2


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.jsonl"):
        list(read_lines(tmp_path / "none.jsonl", ReadReport()))


@given(parts=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=12), packed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_held_line_comes_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], packed: bool
) -> None:
    path = tmp_path_factory.mktemp("held") / "f"
    text = b"{}\n" + b"\n".join(parts)
    path.write_bytes(gzip.compress(text) if packed else text)
    found = list(read_lines(path, ReadReport()))
    assert [line.hold().load().data for line in found] == [line.data for line in found]
    assert [line.data for line in found] == [part.strip() for part in text.split(b"\n") if part.strip()]


def test_a_held_line_of_a_file_that_went_away_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"one\n")
    held = next(iter(read_lines(path, ReadReport()))).hold()
    path.unlink()
    with pytest.raises(InputError, match=r"cannot read f\.jsonl again"):
        held.load()
