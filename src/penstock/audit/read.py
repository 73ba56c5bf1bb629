"""Recorded calls out of log files of any known format, in file order, with everything that went wrong counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import xxhash

from penstock.audit.importers.format import Found, Importer, Reading
from penstock.audit.importers.record import LATIN_1, Record, parse_record
from penstock.audit.importers.registry import candidates, importer_named, names
from penstock.audit.lines import read_lines
from penstock.audit.reading import ReadReport, Skipped
from penstock.errors import InputError
from penstock.wire.recorded import RecordedCall

OTHER_RECORD = "a record of no format that is read here"
MIXED = "a record of another format than the rest of its file; read as what it is"
NO_USAGE = "no usage reported"
NO_TIME = "no start time"
NO_DIALECT = "the API of the call cannot be told from its bodies"
SAME_ID = "one response id on answers with different usage; both kept"
UNKNOWN_FILE = "no record of a format that is read here"

SUFFIXES = (".jsonl", ".ndjson", ".json", ".log", ".gz")
"""What is read of a folder."""

_LOOK_AT = 50  # records looked at for a file's format; a log may begin with a few odd lines
_FAILED = 400

Progress = Callable[[int], None]
"""Called with the bytes of each line that was read."""


def read_calls(
    paths: Sequence[Path],
    report: ReadReport,
    *,
    format_name: str = "auto",
    progress: Progress | None = None,
) -> Iterator[RecordedCall]:
    """The calls of some files or folders, one at a time; no more than a few bodies are held.

    Files are read in the order given, a folder's by name. A call whose provider response id was seen before is left
    out (log-formats, rule 6).

    Args:
        paths: files, or folders whose files of the known suffixes are read.
        report: counts what was read; complete when the iterator ends.
        format_name: an importer's name, or ``auto`` to look at each file's first records.
        progress: told about the bytes read.

    Raises:
        InputError: a file is missing, or its format is unknown or ambiguous.
        UsageError: there is no format of that name.
    """
    given = None if format_name == "auto" else importer_named(format_name)
    seen: dict[int, int] = {}
    for found in _found(paths, given, report, progress):
        if isinstance(found, Skipped):
            report.skip(found.reason, found.source)
        elif _is_duplicate(found, seen, report):
            report.duplicate(found.source)
        else:
            _note(found, report)
            report.accept(found)
            yield found


def total_bytes(paths: Sequence[Path]) -> int:
    """The size of all files on disk, for a progress bar; a gzip counts as it lies there.

    Raises:
        InputError: a file is missing.
    """
    return sum(path.stat().st_size for path, _ in _files(paths))


def _files(paths: Sequence[Path]) -> list[tuple[Path, bool]]:
    """Each file, and whether it was named itself rather than found in a folder."""
    files: list[tuple[Path, bool]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.is_file() and file.name.endswith(SUFFIXES))
            if not inside:
                raise InputError(f"{path}: no log files in this folder", hint=f"read are {', '.join(SUFFIXES)}")
            files += [(file, False) for file in inside]
        elif path.exists():
            files.append((path, True))
        else:
            raise InputError(f"{path}: no such file")
    return files


def _found(
    paths: Sequence[Path], given: Importer | None, report: ReadReport, progress: Progress | None
) -> Iterator[Found]:
    readings: dict[str, Reading] = {}
    for path, named in _files(paths):
        records = _records(path, report, progress)
        importer = given
        if importer is None:
            first, importer = _look(records, path, named=named, report=report)
            records = chain(first, records)
        if importer is None:
            continue
        report.files[str(path)] = importer.name
        for record in records:
            if isinstance(record, Skipped):
                yield record
                continue
            match = importer if given is not None or importer.matches(record) else _other(record, report)
            if match is None:
                yield Skipped(OTHER_RECORD, record.source)
                continue
            reading = readings.get(match.name)
            if reading is None:
                reading = readings[match.name] = match.start(report)
            yield from reading.feed(record)
    for reading in readings.values():
        yield from reading.finish()


def _records(path: Path, report: ReadReport, progress: Progress | None) -> Iterator[Record | Skipped]:
    for line in read_lines(path, report):
        report.records += 1
        if progress is not None:
            progress(len(line.data) + 1)
        record = parse_record(line)
        if isinstance(record, Record) and record.recoded:
            report.warn(LATIN_1, record.source)
        yield record


def _look(
    records: Iterator[Record | Skipped], path: Path, *, named: bool, report: ReadReport
) -> tuple[list[Record | Skipped], Importer | None]:
    """The first records, and the format that the first recognisable one of them has.

    Raises:
        InputError: a record fits more than one format, or the file was named and nothing in it fits any.
    """
    first: list[Record | Skipped] = []
    objects = False
    for record in records:
        first.append(record)
        if isinstance(record, Record):
            objects = True
            found = candidates(record)
            if len(found) > 1:
                raise InputError(
                    f"{path}: could be {' or '.join(importer.name for importer in found)}",
                    hint="say which with --format",
                )
            if found:
                return first, found[0]
        if len(first) >= _LOOK_AT:
            break
    if named and objects:
        raise InputError(
            f"{path}: a log of no format that is read here",
            hint=f"formats: {names()}; anything else can be written as native JSON lines",
        )
    for record in chain(first, records):
        report.skip(record.reason if isinstance(record, Skipped) else OTHER_RECORD, record.source)
    report.warn(UNKNOWN_FILE, path.name)
    return [], None


def _other(record: Record, report: ReadReport) -> Importer | None:
    found = candidates(record)
    if len(found) != 1:
        return None
    report.warn(MIXED, record.source)
    return found[0]


def _is_duplicate(call: RecordedCall, seen: dict[int, int], report: ReadReport) -> bool:
    """Whether the same answer was read before; the same id with another usage is a careless logger, not a copy."""
    if call.response_id is None:
        return False
    key = xxhash.xxh3_64_intdigest(call.response_id.encode("utf-8", "replace"))
    answer = xxhash.xxh3_64_intdigest(msgspec.json.encode(call.usage))
    known = seen.get(key)
    if known is None:
        seen[key] = answer
    elif known != answer:
        report.warn(SAME_ID, call.source)
    return known == answer


def _note(call: RecordedCall, report: ReadReport) -> None:
    """Count what an accepted call lacks."""
    failed = call.status is not None and call.status >= _FAILED
    if call.usage is None and not failed:
        report.warn(NO_USAGE, call.source)
    if call.ts is None:
        report.warn(NO_TIME, call.source)
    if call.dialect is None:
        report.warn(NO_DIALECT, call.source)
    for flag in call.usage.flags if call.usage is not None else ():
        report.warn(f"usage: {flag.replace('_', ' ')}", call.source)
