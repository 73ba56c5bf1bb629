"""What the dialects' folds share: reading an event's data, joining strings that arrive in pieces, writing the body."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from penstock.wire.raw import UNREADABLE
from penstock.wire.sse import Event


def data_of(event: Event) -> dict[str, Any] | None:
    """The object in an event's data, or None when it is something else."""
    try:
        data = msgspec.json.decode(event.data)
    except UNREADABLE:
        return None
    return data if isinstance(data, dict) else None


def write(body: dict[str, Any]) -> bytes:
    """A body as JSON, with integers of any size; a number that JSON does not have becomes null."""
    return msgspec.json.encode(body)


def index_of(data: dict[str, Any], name: str = "index") -> int | None:
    """A member that is a place in a list, or None."""
    value = data.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


_string = msgspec.json.Decoder(str)
_MEMBERS = {
    name: re.compile(rb'"%b"\s*:\s*"((?:[^"\\]|\\.)*)"' % name.encode()) for name in ("content", "text", "thinking")
}
_PATIENCE = 8


class Template:
    """The last event that only added text, so that the next ones like it need not be decoded.

    Most events of a stream differ in one string. An event that has the same bytes before and after that string, and a
    JSON string between them, decodes to the same object but for the string.
    """

    __slots__ = ("_head", "_tail", "_vain")

    def __init__(self) -> None:
        self._head = self._tail = b""
        self._vain = 0

    def text(self, data: bytes) -> str | None:
        """The string of an event like the last one; None for any other event, which then has to be decoded."""
        head, tail = self._head, self._tail
        end = len(data) - len(tail)
        if not head or end < len(head) or not (data.startswith(head) and data.endswith(tail)):
            return None
        try:
            text = _string.decode(b'"%b"' % data[len(head) : end])
        except UNREADABLE:
            return None
        self._vain = 0
        return text

    def learn(self, data: bytes, member: str, text: str) -> None:
        """Take an event whose only effect is to add the string of a member; streams that vary elsewhere are left.

        Args:
            data: of the event.
            member: ``content``, ``text`` or ``thinking``.
            text: its string.
        """
        if self._vain >= _PATIENCE:
            return
        pattern = _MEMBERS[member]
        found = pattern.search(data)
        if (
            found is not None
            and pattern.search(data, found.end()) is None
            and _string.decode(b'"%b"' % found[1]) == text
        ):
            self._vain += 1
            self._head, self._tail = data[: found.start(1)], data[found.end(1) :]

    def forget(self) -> None:
        """Another kind of event came."""
        self._head = b""


class Pieces:
    """Strings of one object that arrive in pieces, each under its member's name."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: dict[str, list[str]] = {}

    def add(self, name: str, piece: Any) -> None:
        """The next piece of a member; what is no string is left out."""
        if isinstance(piece, str):
            self._parts.setdefault(name, []).append(piece)

    def text(self, name: str) -> str | None:
        """What has come of a member, None when nothing has."""
        parts = self._parts.get(name)
        return None if parts is None else "".join(parts)

    def names(self) -> list[str]:
        """The members of which something has come, in the order of their first piece."""
        return list(self._parts)
