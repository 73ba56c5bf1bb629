"""Endpoints whose requests are never planned but whose calls are counted: embeddings, and those that count tokens.

A counting endpoint bills nothing (provider-semantics 1.8); an embedding bills its prompt tokens and nothing else.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from penstock.wire.raw import UNREADABLE
from penstock.wire.usage import Basis, Usage


class Metered(StrEnum):
    """An endpoint that is metered."""

    EMBEDDINGS = "openai.embeddings"
    ANTHROPIC_COUNT = "anthropic.count_tokens"
    OPENAI_COUNT = "openai.input_tokens"

    @property
    def provider(self) -> str:
        """``anthropic`` or ``openai``."""
        return self.value.partition(".")[0]

    @property
    def path(self) -> str:
        """The HTTP path."""
        return _PATHS[self]

    @property
    def operation(self) -> str:
        """The operation's name in OpenTelemetry's GenAI conventions, or ours in their manner."""
        return "embeddings" if self is Metered.EMBEDDINGS else "count_tokens"

    @property
    def free(self) -> bool:
        """Whether its calls bill nothing."""
        return self is not Metered.EMBEDDINGS


_PATHS = {
    Metered.EMBEDDINGS: "/v1/embeddings",
    Metered.ANTHROPIC_COUNT: "/v1/messages/count_tokens",
    Metered.OPENAI_COUNT: "/v1/responses/input_tokens",
}
_BY_PATH = {path: kind for kind, whole in _PATHS.items() for path in (whole, whole.removeprefix("/v1"))}


def metered_of_path(path: str) -> Metered | None:
    """The endpoint of an HTTP path (with or without the ``/v1``, query excluded), or None."""
    return _BY_PATH.get(path.rstrip("/"))


class _Named(msgspec.Struct):
    model: str = ""


class _Counts(msgspec.Struct):
    prompt_tokens: int | None = None


class _Answer(msgspec.Struct):
    model: str = ""
    usage: _Counts | None = None


_named = msgspec.json.Decoder(_Named)
_answer = msgspec.json.Decoder(_Answer)


def model_asked(raw: bytes) -> str:
    """The model that a request names; empty when it cannot be read."""
    try:
        return _named.decode(raw).model
    except UNREADABLE:
        return ""


def read_metered(kind: Metered, body: bytes) -> tuple[str, Usage | None]:
    """The model that an accepted answer names (empty when it names none) and what it billed (None when not said)."""
    if kind.free:
        return "", Usage(input_uncached=0, basis=Basis.DERIVED)
    try:
        answer = _answer.decode(body)
    except UNREADABLE:
        return "", None
    tokens = answer.usage.prompt_tokens if answer.usage is not None else None
    return answer.model, None if tokens is None or tokens < 0 else Usage(input_uncached=tokens)
