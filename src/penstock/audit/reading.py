"""What an importer could and could not read: counted by reason, each with the place of one example, never fatal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from penstock.wire.recorded import RecordedCall


class Tally(msgspec.Struct):
    """How often something happened, and where to look for one case of it.

    Attributes:
        count: occurrences.
        example: file and line of the first (``calls.jsonl:12``).
    """

    count: int
    example: str


class Skipped(msgspec.Struct, frozen=True):
    """A record that gives no call.

    Attributes:
        reason: a short fixed phrase, fit to be counted by; it never holds text of the record.
        source: file and line.
    """

    reason: str
    source: str


class ReadReport(msgspec.Struct, kw_only=True):
    """Counters of one read over any number of files. Two reports add up with `merge`.

    Attributes:
        files: files opened, with the format that each was read as.
        records: records seen: every line that is not blank, and every half of a batch.
        accepted: calls handed on.
        skipped: records that gave no call, by reason.
        warnings: calls that were accepted although something about them was odd, by reason.
        duplicates: calls left out because their provider response id had been seen, with one example.
        first_ts: earliest start of an accepted call, seconds since the epoch; None when no call has a time.
        last_ts: latest start of an accepted call.
        with_ts: accepted calls that have a start time.
        with_request: accepted calls that have a request body.
        with_response: accepted calls that have a response body.
        with_usage: accepted calls that have usage.
    """

    files: dict[str, str] = msgspec.field(default_factory=dict)
    records: int = 0
    accepted: int = 0
    skipped: dict[str, Tally] = msgspec.field(default_factory=dict)
    warnings: dict[str, Tally] = msgspec.field(default_factory=dict)
    duplicates: Tally = msgspec.field(default_factory=lambda: Tally(0, ""))
    first_ts: float | None = None
    last_ts: float | None = None
    with_ts: int = 0
    with_request: int = 0
    with_response: int = 0
    with_usage: int = 0

    def skip(self, reason: str, source: str) -> None:
        """Count a record that gives no call."""
        _count(self.skipped, reason, source)

    def warn(self, reason: str, source: str) -> None:
        """Count something odd about a call or a file that is read all the same."""
        _count(self.warnings, reason, source)

    def duplicate(self, source: str) -> None:
        """Count a call that was already seen."""
        if not self.duplicates.count:
            self.duplicates.example = source
        self.duplicates.count += 1

    def accept(self, call: RecordedCall) -> None:
        """Count a call that is handed on."""
        self.accepted += 1
        self.with_request += call.request is not None
        self.with_response += call.response is not None
        self.with_usage += call.usage is not None
        if call.ts is not None:
            self.with_ts += 1
            self.first_ts = call.ts if self.first_ts is None else min(self.first_ts, call.ts)
            self.last_ts = call.ts if self.last_ts is None else max(self.last_ts, call.ts)

    @property
    def seconds(self) -> float | None:
        """From the first to the last start; None when no call has a time."""
        if self.first_ts is None or self.last_ts is None:
            return None
        return self.last_ts - self.first_ts

    def merge(self, other: ReadReport) -> None:
        """Add another report to this one; the order of merging changes only which example is kept."""
        self.files.update(other.files)
        self.records += other.records
        self.accepted += other.accepted
        _add(self.skipped, other.skipped)
        _add(self.warnings, other.warnings)
        if other.duplicates.count and not self.duplicates.count:
            self.duplicates.example = other.duplicates.example
        self.duplicates.count += other.duplicates.count
        self.first_ts = _pick(min, self.first_ts, other.first_ts)
        self.last_ts = _pick(max, self.last_ts, other.last_ts)
        self.with_ts += other.with_ts
        self.with_request += other.with_request
        self.with_response += other.with_response
        self.with_usage += other.with_usage


def _count(tallies: dict[str, Tally], reason: str, source: str) -> None:
    tally = tallies.get(reason)
    if tally is None:
        tallies[reason] = Tally(1, source)
    else:
        tally.count += 1


def _add(into: dict[str, Tally], more: Mapping[str, Tally]) -> None:
    for reason, tally in more.items():
        if reason in into:
            into[reason].count += tally.count
        else:
            into[reason] = Tally(tally.count, tally.example)


def _pick(choose: Callable[[float, float], float], a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return a if b is None else b
    return choose(a, b)
