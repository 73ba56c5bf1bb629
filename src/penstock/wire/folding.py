"""What the dialects' folds share: reading an event's data, joining strings that arrive in pieces, writing the body."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


_PADDING = re.compile(rb'"obfuscation"\s*:\s*"([A-Za-z0-9]*)"')


class Template:
    """The last event that only added text, so that the next ones like it need not be decoded.

    Most events of a stream differ in one string. An event that has the same bytes before and after that string, and a
    JSON string between them, decodes to the same object but for the string. OpenAI's chunks may hold a second string
    behind it, ``obfuscation``, which pads them to one length and says nothing.
    """

    __slots__ = ("_head", "_padding", "_tail", "_vain")

    def __init__(self) -> None:
        self._head = self._padding = self._tail = b""
        self._vain = 0

    def run(self, events: Sequence[Event], start: int = 0) -> tuple[str, int]:
        """The joined strings of the events from ``start`` on that are like the last one, and the place behind them."""
        pieces = self._pieces(events, start)
        if not pieces:
            return "", start
        joined = b"".join(pieces)
        if b"\\" in joined or not joined.isascii():  # where pieces meet, other characters could come of them
            return self._one_by_one(pieces, start)
        try:
            text = _string.decode(b'"%b"' % joined)
        except UNREADABLE:
            return self._one_by_one(pieces, start)
        self._vain = 0
        return text, start + len(pieces)

    def _pieces(self, events: Sequence[Event], start: int) -> list[bytes]:
        """What stands in the string's place in each event of the run."""
        head, padding, tail = self._head, self._padding, self._tail
        if not head:
            return []
        begin, ending = len(head), len(tail)
        pieces: list[bytes] = []
        for at in range(start, len(events)):
            data = events[at].data
            end = len(data) - ending
            if end < begin or not (data.startswith(head) and data.endswith(tail)):
                break
            piece = data[begin:end]
            if padding:
                piece, found, padded = piece.rpartition(padding)
                if not found or not (padded.isalnum() or not padded):
                    break
            pieces.append(piece)
        return pieces

    def _one_by_one(self, pieces: Sequence[bytes], start: int) -> tuple[str, int]:
        texts: list[str] = []
        for piece in pieces:
            try:
                texts.append(_string.decode(b'"%b"' % piece))
            except UNREADABLE:
                break
            self._vain = 0
        return "".join(texts), start + len(texts)

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
            padding = _PADDING.search(data, found.end())
            behind = found.end(1)
            self._head = data[: found.start(1)]
            self._padding = b"" if padding is None else data[behind : padding.start(1)]
            self._tail = data[behind if padding is None else padding.end(1) :]

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
