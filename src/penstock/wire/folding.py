"""What the dialects' folds share: reading an event's data, joining strings that arrive in pieces, writing the body."""

from __future__ import annotations

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
