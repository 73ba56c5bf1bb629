"""One line per event on stderr, for machines and people: a time, a level, a name, and ``key=value`` pairs.

Values are of our own making: names, counts, statuses, ids. Prompt text, header values and keys never get here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import msgspec

Value = str | int | float | bool | None


class Log:
    """Writes the lines.

    Args:
        clock: seconds since the epoch.
        out: where to; None for stderr.
        as_json: one JSON object per line instead of ``key=value``.
    """

    def __init__(self, clock: Callable[[], float], out: TextIO | None = None, *, as_json: bool = False) -> None:
        self._clock = clock
        self._out = out
        self._as_json = as_json

    def info(self, event: str, **values: Value) -> None:
        """Something that happened as it should."""
        self._write("info", event, values)

    def warning(self, event: str, **values: Value) -> None:
        """Something that somebody may want to look at."""
        self._write("warning", event, values)

    def error(self, event: str, **values: Value) -> None:
        """Something that is broken."""
        self._write("error", event, values)

    def _write(self, level: str, event: str, values: dict[str, Value]) -> None:
        moment = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._as_json:
            line = msgspec.json.encode({"ts": moment, "level": level, "event": event, **values}).decode()
        else:
            pairs = "".join(f" {name}={_shown(value)}" for name, value in values.items())
            line = f"{moment} {level} {event}{pairs}"
        out = self._out if self._out is not None else sys.stderr
        out.write(line + "\n")
        out.flush()


def _shown(value: Value) -> str:
    text = "" if value is None else str(value)
    if text and text.isprintable() and " " not in text and '"' not in text:
        return text
    return msgspec.json.encode(text).decode()
