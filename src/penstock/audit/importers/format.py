"""What an importer is: it knows its records by their keys and turns them into calls.

To add a log format: one file with an `Importer`, one line in `registry`, one fixture, one test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import msgspec

from penstock.audit.importers.record import Record
from penstock.audit.reading import ReadReport, Skipped
from penstock.wire.recorded import RecordedCall

Found = RecordedCall | Skipped
"""What a record gives: a call, or the reason why it gives none."""


class Reading(Protocol):
    """One read of all files of a format; it may hold one half of a pair until the other one comes."""

    def feed(self, record: Record) -> Iterable[Found]:
        """The calls that this record completes."""
        ...

    def finish(self) -> Iterable[Found]:
        """What is still waiting when all files are read."""
        ...


class Importer(msgspec.Struct, frozen=True, kw_only=True):
    """A log format.

    Attributes:
        name: what ``--format`` says.
        title: what it is, in a few words, for messages.
        matches: whether a record is of this format, from its keys.
        start: a new `Reading`, which may add warnings to the report.
    """

    name: str
    title: str
    matches: Callable[[Record], bool]
    start: Callable[[ReadReport], Reading]


class EachRecord:
    """A reading of a format where every record is one call."""

    def __init__(self, read: Callable[[Record, ReadReport], Found], report: ReadReport) -> None:
        self._read = read
        self._report = report

    def feed(self, record: Record) -> Iterator[Found]:
        """The record's call."""
        yield self._read(record, self._report)

    def finish(self) -> Iterator[Found]:
        """Nothing waits."""
        return iter(())
