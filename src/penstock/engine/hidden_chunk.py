"""Takes the usage chunk, which we asked for, out of a Chat Completions stream whose caller did not ask.

Bytes pass as they came. Only a piece that may hold the chunk, or that ends inside an event, is looked at event by
event; the unfinished event at its end waits for the rest.
"""

from __future__ import annotations

import re

import msgspec

_SUSPECT = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


class UsageChunkFilter:
    """Give it the stream's bytes in order; it gives back what the caller may see."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What may be forwarded now; empty when all of it has to wait."""
        if not self._held and chunk.endswith(b"\n\n") and _SUSPECT.search(chunk) is None:
            return chunk
        data = self._held + chunk
        kept: list[bytes] = []
        start = 0
        for match in _EVENT_END.finditer(data):
            event = data[start : match.end()]
            if not _is_usage_chunk(event):
                kept.append(event)
            start = match.end()
        self._held = data[start:]
        return b"".join(kept)

    def close(self) -> bytes:
        """What was held when the stream ended."""
        held, self._held = self._held, b""
        return b"" if _is_usage_chunk(held) else held


def _is_usage_chunk(event: bytes) -> bool:
    if _SUSPECT.search(event) is None:
        return False
    data = b"\n".join(
        line[5:].removeprefix(b" ") for line in event.replace(b"\r", b"\n").split(b"\n") if line.startswith(b"data:")
    )
    try:
        chunk = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)
