"""Takes the cache diagnostics that we asked for out of an answer whose caller did not ask.

Bytes pass as they came but for the one member. Of a Messages stream only ``message_start`` has it, so that nothing is
looked at behind that event; of a Responses stream every event that holds the whole response.
"""

from __future__ import annotations

import re

from penstock.wire.diagnostics import undiagnosed
from penstock.wire.dialect import Dialect

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
# The names cannot stand so inside a JSON text, where their quotes are escaped.
_SUSPECT = re.compile(rb'"(?:prompt_cache_diagnostics|comparison_response_id)"\s*:|"message_start"')
_UNDER = {Dialect.ANTHROPIC_MESSAGES: ("message",), Dialect.OPENAI_RESPONSES: ("response",)}


class DiagnosisFilter:
    """Give it the stream's bytes in order; it gives back what the caller may see."""

    __slots__ = ("_dialect", "_done", "_held")

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._held = b""
        self._done = False

    def feed(self, chunk: bytes) -> bytes:
        """What may be forwarded now; empty when all of it has to wait."""
        if self._done:
            return chunk
        if not self._held and chunk.endswith(b"\n\n") and _SUSPECT.search(chunk) is None:
            return chunk
        data = self._held + chunk
        kept: list[bytes] = []
        start = 0
        for match in _EVENT_END.finditer(data):
            event = data[start : match.end()]
            kept.append(self._shown(event))
            start = match.end()
            if self._dialect is Dialect.ANTHROPIC_MESSAGES and _SUSPECT.search(event) is not None:
                self._done, self._held = True, b""
                return b"".join((*kept, data[start:]))
        self._held = data[start:]
        return b"".join(kept)

    def close(self) -> bytes:
        """What was held when the stream ended."""
        held, self._held = self._held, b""
        return held

    def _shown(self, event: bytes) -> bytes:
        if _SUSPECT.search(event) is None:
            return event
        start = event.find(b"data:")
        end = len(event.rstrip(b"\r\n"))
        data = event[start + 5 : end]
        if start < 0 or b"\n" in data or b"\r" in data:
            return event
        shown = undiagnosed(self._dialect, data.lstrip(b" "), _UNDER.get(self._dialect, ()))
        return b"".join((event[:start], b"data: ", shown, event[end:]))


def shown_to_caller(dialect: Dialect, body: bytes, *, events: bool) -> bytes:
    """A whole answer without the diagnostics that were not asked for; ``events`` says that it is a stream's bytes."""
    if not events:
        return undiagnosed(dialect, body)
    one = DiagnosisFilter(dialect)
    return one.feed(body) + one.close()
