"""Server-sent events from bytes that arrive in any pieces.

Lines end in LF, CR or CRLF, and a piece may end between the two bytes of the last, or inside a character. Comments,
``id`` and ``retry`` are dropped; several ``data`` lines are joined by a line feed; a byte-order mark at the start goes.
"""

from __future__ import annotations

import re

import msgspec

from penstock.errors import UpstreamProtocolError

MOST_BYTES = 64 * 1024 * 1024
"""The default limit of one event."""

_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


class Event(msgspec.Struct, frozen=True):
    """One event.

    Attributes:
        name: what its ``event`` line says, None without one.
        data: its data lines, joined by a line feed.
    """

    name: str | None
    data: bytes

    def encode(self) -> bytes:
        """The event as it goes over the wire."""
        head = b"" if self.name is None else b"event: %b\n" % self.name.encode()
        return head + b"".join(b"data: %b\n" % line for line in self.data.split(b"\n")) + b"\n"


class EventStream:
    """Collects bytes and gives out whole events."""

    __slots__ = ("_after_cr", "_data", "_first", "_held", "_limit", "_name", "_size")

    def __init__(self, limit: int = MOST_BYTES) -> None:
        """``limit`` is the most bytes that one event may have before it is refused."""
        self._limit = limit
        self._held: list[bytes] = []  # the line that has begun
        self._after_cr = False
        self._first = True
        self._name: str | None = None
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are whole with these bytes.

        Raises:
            UpstreamProtocolError: when an event grows beyond the limit.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        if self._first and not self._held and len(chunk) >= len(_BOM):
            self._first = False
            chunk = chunk.removeprefix(_BOM)
        if not (self._first or self._held or self._data or self._name) and b"\r" not in chunk:
            events, chunk = self._plain(chunk)
            if not chunk:
                return events
        else:
            events = []
        self._size += len(chunk)
        lines = _END.split(chunk)
        if len(lines) == 1:
            self._held.append(chunk)
            self._check()
            return events
        self._after_cr = chunk.endswith(b"\r")
        lines[0] = b"".join(self._held) + lines[0]
        last = lines.pop()
        self._held = [last] if last else []
        for line in lines:
            self._line(line, events)
        self._check()
        return events

    def close(self) -> list[Event]:
        """What is left at the end of the stream: an event whose closing blank line never came, if it has data."""
        events: list[Event] = []
        if self._held:
            self._line(b"".join(self._held), events)
            self._held = []
        self._line(b"", events)
        return events

    def _plain(self, chunk: bytes) -> tuple[list[Event], bytes]:
        """The whole events at the start of a piece whose lines end in LF, by their blank lines; and what is left."""
        events: list[Event] = []
        *blocks, rest = chunk.split(b"\n\n")
        for block in blocks:
            if block.startswith(b"data: ") and b"\n" not in block:
                events.append(Event(None, block[6:]))
                continue
            name, lines = None, block
            if block.startswith(b"event: "):
                head, _, lines = block.partition(b"\n")
                name = head[7:].decode("utf-8", "replace")
            if lines.startswith(b"data: ") and b"\n" not in lines:
                events.append(Event(name, lines[6:]))
                continue
            for line in block.split(b"\n"):
                self._line(line, events)
            self._line(b"", events)
        return events, rest

    def _line(self, line: bytes, events: list[Event]) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            if self._data:
                events.append(Event(self._name, b"\n".join(self._data)))
            self._name, self._data, self._size = None, [], sum(map(len, self._held))
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")

    def _check(self) -> None:
        if self._size > self._limit:
            raise UpstreamProtocolError(f"an event of the stream is longer than {self._limit} bytes")
