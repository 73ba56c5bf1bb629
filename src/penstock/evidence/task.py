"""Which task a call belongs to when nobody said: what the calls of one call site have in common.

A fingerprint is of the system prompt with its changing parts masked, the tools' names, and the output schema. Calls
without any of these are told apart by the masked beginning of their first message.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from xxhash import xxh3_64_hexdigest, xxh3_64_intdigest

from penstock.wire.dialect import Dialect
from penstock.wire.memo import Memo
from penstock.wire.segments import Level
from penstock.wire.view import View

_OPENING = 48
"""Characters of the first message that count where there is nothing else."""
_READ = 20_000
"""Characters of a system prompt that count; what follows is taken as content."""

_MASKS = (
    (re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"), "#"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "#"),
    (re.compile(r"\b(?=[0-9a-zA-Z_-]*[0-9])[0-9a-zA-Z_-]{6,}"), "#"),
    (
        re.compile(
            r"\b(?:Mon|Tues?|Wed(?:nes)?|Thurs?|Fri|Sat(?:ur)?|Sun)(?:day)?\b|"
            r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|"
            r"Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
        ),
        "#",
    ),
    (re.compile(r"[0-9]+(?:[.,:/TZ+-]*[0-9]+)*"), "#"),
    (re.compile(r"(?:#[\s,:/.TZ+-]*)+"), "# "),
    (re.compile(r"\s+"), " "),
)


class Marks(NamedTuple):
    """What a call site is known by.

    Attributes:
        text: the masked system prompt, or the masked beginning of the first message.
        shape: digest of the tools' names and the output schema.
    """

    text: str
    shape: int


def fingerprint(view: View) -> str:
    """16 hex digits that the calls of one call site share, whatever dates, ids and numbers their prompts hold."""
    head = view.outline.tally.head
    key = (view.dialect, head, view.params_digest)
    known = _known.get(key)
    if known is None:
        parts = _parts(view)
        known = _fingerprint(*parts)
        if head and (parts[1] or parts[2] or view.system_text()):  # else its first message has a part in it
            _known.put(key, known)
    return known


_known: Memo[tuple[Dialect, bytes, bytes], str] = Memo(2048)


def marks(view: View) -> Marks:
    """What the fingerprint of a call is made of."""
    text, tools, schema = _parts(view)
    shape = xxh3_64_intdigest("\1".join(("\0".join(tools), schema.hex())).encode("utf-8", "surrogatepass"))
    return Marks(masked(text[:_READ]), shape >> 1)


def masked(text: str) -> str:
    """A text with ids, addresses, dates and numbers replaced by ``#`` and white space by single spaces."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.strip()


def _parts(view: View) -> tuple[str, tuple[str, ...], bytes]:
    tools = tuple(sorted(view.tool_names()))
    schema = view.response_schema() or b""
    text = view.system_text()
    if not text and not tools and not schema:
        text = _opening(view)
    return text, tools, schema


@lru_cache(maxsize=512)
def _fingerprint(text: str, tools: tuple[str, ...], schema: bytes) -> str:
    parts = (masked(text[:_READ]), "\0".join(tools), schema.hex())
    return xxh3_64_hexdigest("\1".join(parts).encode("utf-8", "surrogatepass"))


def _opening(view: View) -> str:
    """The beginning of the first text of the first message; a short one is too little to go by."""
    first = next((s for s in view.segments if s.level is Level.MESSAGES and s.kind == "text"), None)
    if first is None:
        return ""
    value = view.get(*first.path)
    text = value.get("text") if isinstance(value, dict) else value
    return text[:_OPENING].partition("\n")[0] if isinstance(text, str) else ""
