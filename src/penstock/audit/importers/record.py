"""One line of a log as named raw JSON values, and the few conversions that every format needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.audit.lines import Line
from penstock.audit.reading import Skipped

NOT_JSON = "not a JSON object"
LATIN_1 = "not UTF-8; read as Latin-1"

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

# Above these, a bare number is milli-, micro- or nanoseconds: 1e11 seconds is the year 5138.
_EARLIEST, _LATEST = 315_532_800, 4_102_444_800  # 1980 and 2100
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))


class Record(msgspec.Struct, frozen=True):
    """A log line's top-level fields, undecoded.

    Attributes:
        fields: raw JSON by key; of two equal keys the last one counts, as JSON readers do.
        line: where it stands.
        recoded: whether the line was no UTF-8 and was read as Latin-1.
    """

    fields: Mapping[str, msgspec.Raw]
    line: Line
    recoded: bool = False

    @property
    def source(self) -> str:
        """File name and line."""
        return self.line.source

    def __contains__(self, key: str) -> bool:
        return key in self.fields

    def value(self, key: str) -> Any:
        """The decoded value of a key; None when it is absent, null or broken."""
        raw = self.fields.get(key)
        return None if raw is None else decoded(raw)

    def raw(self, key: str) -> bytes | None:
        """The bytes of a key's value; None when it is absent or null."""
        raw = self.fields.get(key)
        return None if raw is None or bytes(raw) == b"null" else bytes(raw)

    def text(self, key: str) -> str | None:
        """A string or a number as text; None otherwise and when empty."""
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return None
        return str(value) or None

    def number(self, key: str) -> float | None:
        """A finite number, also out of a string; None otherwise."""
        return number_of(self.value(key))

    def time(self, *keys: str) -> float | None:
        """Seconds since the epoch of the first of the keys that holds a time; see `time_of`."""
        for key in keys:
            seconds = time_of(self.value(key))
            if seconds is not None:
                return seconds
        return None


def parse_record(line: Line) -> Record | Skipped:
    """The fields of a line; a line that is no UTF-8 is read as Latin-1, one that is no object is skipped."""
    data, recoded = line.data, False
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            data, recoded = data.decode("latin-1").encode(), True
    fields = fields_of(data)
    if fields is None:
        return Skipped(NOT_JSON, line.source)
    return Record(fields, line, recoded)


def fields_of(data: bytes | msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    """The top-level fields of a JSON object, or None when it is none."""
    try:
        return _FIELDS.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None


def decoded(data: bytes | msgspec.Raw) -> Any:
    """Any JSON value decoded; None when it is broken."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None


def number_of(value: Any) -> float | None:
    """A finite number, also out of a string; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number - number == 0 else None


def time_of(value: Any) -> float | None:
    """Seconds since the epoch.

    Reads numbers of seconds, milli-, micro- and nanoseconds (told apart by size), and ISO 8601 text; text without a
    zone is UTC (log-formats 2). None for anything else, and for times before 1980 or after 2100, when no call was made.
    """
    seconds = number_of(value)
    if seconds is None and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    if seconds is None:
        return None
    for above, unit in _UNITS:
        if seconds > above:
            seconds /= unit
            break
    return seconds if _EARLIEST < seconds < _LATEST else None
