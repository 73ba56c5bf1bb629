"""What the two OpenAI dialects share: breakpoints, part types, and the initial run of developer messages.

Explicit breakpoints exist from gpt-5.6 on (provider-semantics 2.2): on text, image, audio and file parts of input
messages, not on tools, instructions or the assistant's own output.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from penstock.wire.chain import Chain, Content
from penstock.wire.dialect import Dialect
from penstock.wire.raw import Raw, is_given
from penstock.wire.segments import Level, Marker

MARKER_KEY = "prompt_cache_breakpoint"
DEFAULT_TTL = "30m"
INPUT_ROLES = frozenset({"user", "system", "developer"})
SYSTEM_ROLES = frozenset({"system", "developer"})


class _Breakpoint(msgspec.Struct):
    ttl: str = ""


class _Options(msgspec.Struct):
    ttl: str = DEFAULT_TTL


class OpenAIContent(Content, frozen=True, kw_only=True):
    """Parts with ``prompt_cache_breakpoint`` as the marker; ``ttl`` is the request's own default."""

    ttl: str = DEFAULT_TTL

    def marker_of(self, value: Raw) -> Marker | None:
        """A breakpoint without a readable ``ttl`` lives as long as the request's options say."""
        if not is_given(value):
            return None
        try:
            return Marker(_breakpoint.decode(value).ttl or self.ttl)
        except msgspec.MsgspecError:
            return Marker(self.ttl)


_breakpoint = msgspec.json.Decoder(_Breakpoint)
_options = msgspec.json.Decoder(_Options)

_KINDS = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "image_url": "image",
    "input_image": "image",
    "input_audio": "audio",
    "file": "document",
    "input_file": "document",
}
_MARKABLE = frozenset({"text", "input_text", "image_url", "input_image", "input_audio", "file", "input_file"})


def default_ttl(cache_options: Raw) -> str:
    """The lifetime that a request's ``prompt_cache_options`` give to breakpoints that name none."""
    try:
        return _options.decode(cache_options).ttl if is_given(cache_options) else DEFAULT_TTL
    except msgspec.MsgspecError:
        return DEFAULT_TTL


@lru_cache(maxsize=16)
def content_with(dialect: Dialect, ttl: str) -> OpenAIContent:
    """A dialect's part rules with a default lifetime."""
    return OpenAIContent(
        kinds=_KINDS, markable=_MARKABLE, marker_key=MARKER_KEY, context=f"{dialect.value} {ttl}", ttl=ttl
    )


def marker_json(marker: Marker) -> bytes:
    """``{"mode":"explicit"}``, with the lifetime unless it is the default."""
    if marker.ttl == DEFAULT_TTL:
        return b'{"mode":"explicit"}'
    return msgspec.json.encode({"mode": "explicit", "ttl": marker.ttl})


def level_of(chain: Chain, role: str) -> Level:
    """The level of the next message: the initial run of system and developer messages is the system prompt."""
    chain.initial = chain.initial and role in SYSTEM_ROLES
    return Level.SYSTEM if chain.initial else Level.MESSAGES
