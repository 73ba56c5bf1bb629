"""The three request dialects that Penstock understands."""

from __future__ import annotations

from enum import StrEnum


class Dialect(StrEnum):
    """A provider API whose requests we can read and edit. The values are those of a log line's ``api`` field."""

    ANTHROPIC_MESSAGES = "anthropic.messages"
    OPENAI_CHAT = "openai.chat"
    OPENAI_RESPONSES = "openai.responses"

    @property
    def provider(self) -> str:
        """``anthropic`` or ``openai``."""
        return self.value.partition(".")[0]

    @property
    def path(self) -> str:
        """The HTTP path of the dialect's create call."""
        return _PATHS[self]


_PATHS = {
    Dialect.ANTHROPIC_MESSAGES: "/v1/messages",
    Dialect.OPENAI_CHAT: "/v1/chat/completions",
    Dialect.OPENAI_RESPONSES: "/v1/responses",
}


def dialect_of_path(path: str) -> Dialect | None:
    """The dialect of an HTTP path (with or without the ``/v1``, query excluded), or None."""
    tail = path.rstrip("/")
    for dialect, known in _PATHS.items():
        if tail in (known, known.removeprefix("/v1")):
            return dialect
    return None
