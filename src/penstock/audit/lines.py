"""A log file as lines of UTF-8, whatever was done to it: gzip, a cut gzip, UTF-16, Latin-1, a byte-order mark.

Reading is in chunks; no more than one line is held. A file that ends badly gives all lines up to there.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from penstock.audit.reading import ReadReport
from penstock.errors import InputError

CHUNK = 1 << 20
"""Bytes read at a time."""

LONGEST_LINE = 64 << 20
"""A longer line is skipped and counted; both providers refuse requests above 32 MB."""

_GZIP_MAGIC = b"\x1f\x8b"
# The longer marks first: UTF-32 little-endian begins with UTF-16's mark.
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line that is not blank.

    Attributes:
        data: UTF-8, without the line's end.
        number: counted from 1.
        path: the file.
        offset: where ``data`` stands in the file, when it stands there byte for byte; None in a gzip or a file of
            another encoding.
    """

    data: bytes
    number: int
    path: Path
    offset: int | None = None

    @property
    def source(self) -> str:
        """File name and line, for messages."""
        return f"{self.path.name}:{self.number}"

    def hold(self) -> Held:
        """This line to be read again later, for the memory of a few numbers where the file allows it."""
        if self.offset is None:
            return Held(path=self.path, offset=0, length=0, packed=zlib.compress(self.data, 1), number=self.number)
        return Held(path=self.path, offset=self.offset, length=len(self.data), packed=None, number=self.number)


class Held(msgspec.Struct, frozen=True, gc=False):
    """A line that waits for its other half; `load` gives it back."""

    path: Path
    offset: int
    length: int
    packed: bytes | None
    number: int

    @property
    def source(self) -> str:
        """File name and line, for messages."""
        return f"{self.path.name}:{self.number}"

    def load(self) -> Line:
        """The line again; InputError if the file went away in between."""
        if self.packed is not None:
            return Line(zlib.decompress(self.packed), self.number, self.path)
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return Line(file.read(self.length), self.number, self.path, self.offset)
        except OSError as error:
            raise InputError(f"cannot read {self.path.name} again: {error.strerror}") from None


def read_lines(path: Path, report: ReadReport) -> Iterator[Line]:
    """The lines of a file that are not blank, in order; problems with the file are counted in ``report``.

    Raises:
        InputError: the file cannot be opened.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    with file:
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        chunks = _unpacked(file, path, report) if packed else _plain(file)
        text, recoded = _as_utf8(chunks, path, report)
        exact = not packed and not recoded
        yield from _lines(text, path, report, exact=exact)


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _unpacked(file: BinaryIO, path: Path, report: ReadReport) -> Iterator[bytes]:
    """The text of a gzip file; one that is cut or damaged gives what came before."""
    with gzip.GzipFile(fileobj=file) as unpacked:
        try:
            while chunk := unpacked.read1(CHUNK):
                yield chunk
        except EOFError:
            report.warn("the gzip file is cut off; what came before was read", path.name)
        except (OSError, zlib.error):
            report.warn("the gzip file is damaged; what came before was read", path.name)


def _as_utf8(chunks: Iterator[bytes], path: Path, report: ReadReport) -> tuple[Iterator[bytes], bool]:
    """The chunks without a byte-order mark, recoded when the mark says so; and whether they were changed."""
    first = next(chunks, b"")
    for mark, encoding in _WIDE_MARKS:
        if first.startswith(mark):
            report.warn(f"the file is {encoding.upper()}, not UTF-8; converted", path.name)
            return _recoded(first, chunks, encoding, path, report), True
    return _joined(first, chunks), False


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _recoded(first: bytes, rest: Iterator[bytes], encoding: str, path: Path, report: ReadReport) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    yield decoder.decode(first).encode()
    for chunk in rest:
        yield decoder.decode(chunk).encode()
    tail = decoder.decode(b"", final=True)
    if tail:
        report.warn(f"the {encoding.upper()} file ends inside a character", path.name)
        yield tail.encode()


def _lines(chunks: Iterator[bytes], path: Path, report: ReadReport, *, exact: bool) -> Iterator[Line]:
    number = 0
    for offset, raw, whole in _split(chunks):
        number += 1
        if not whole:
            report.records += 1
            report.skip("line longer than 64 MiB", f"{path.name}:{number}")
            continue
        start = len(codecs.BOM_UTF8) if number == 1 and raw.startswith(codecs.BOM_UTF8) else 0
        body = raw[start:]
        data = body.strip()
        if not data:
            continue
        lead = len(body) - len(body.lstrip())
        yield Line(data, number, path, offset + start + lead if exact else None)


def _split(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """``(offset, line without its newline, whether it is all there)``; the text of an overlong line is dropped."""
    parts: list[bytes] = []
    held = 0
    start = 0
    position = 0
    for chunk in chunks:
        begin = 0
        while (end := chunk.find(b"\n", begin)) >= 0:
            piece = chunk[begin:end]
            line = b"".join((*parts, piece)) if parts else piece
            yield start, line if held + len(piece) <= LONGEST_LINE else b"", held + len(piece) <= LONGEST_LINE
            parts, held = [], 0
            begin = end + 1
            start = position + begin
        held += len(chunk) - begin
        if held > LONGEST_LINE:
            parts = []
        elif begin < len(chunk):
            parts.append(chunk[begin:])
        position += len(chunk)
    if held:
        yield start, b"".join(parts), held <= LONGEST_LINE
