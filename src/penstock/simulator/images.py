"""What an image costs in tokens, by its size in pixels and never by its bytes (trap T23).

Anthropic: ceil(w/28) x ceil(h/28) after scaling down to a cap (provider-semantics 1.7). OpenAI: 32-pixel patches after
scaling down to a cap, a flat price for ``detail: "low"``. The size is read from the header of the PNG, JPEG, GIF or
WebP data; an image that is only a link, or whose header we cannot read, counts as 1,000 by 1,000.
"""

from __future__ import annotations

import binascii
import math
from base64 import b64decode

DEFAULT_SIZE = (1000, 1000)

_ANTHROPIC_PATCH = 28
_ANTHROPIC_CAP = 1568
_OPENAI_PATCH = 32
_OPENAI_CAP = 1536
_OPENAI_LOW_DETAIL = 85
_HEADER_CHARACTERS = 1 << 17  # enough for a JPEG's metadata; a multiple of four, so that it decodes alone
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_tokens(provider: str, size: tuple[int, int], detail: str | None = None) -> int:
    """Tokens of an image of ``size`` (width, height in pixels) for ``anthropic`` or ``openai``."""
    if provider == "openai" and detail == "low":
        return _OPENAI_LOW_DETAIL
    patch, cap = (_ANTHROPIC_PATCH, _ANTHROPIC_CAP) if provider == "anthropic" else (_OPENAI_PATCH, _OPENAI_CAP)
    width, height = size
    return max(1, min(cap, math.ceil(width / patch) * math.ceil(height / patch)))


def size_of_base64(data: str) -> tuple[int, int]:
    """Width and height of base64 image data (a ``data:`` URL or bare), else `DEFAULT_SIZE`."""
    if data.startswith("data:"):
        data = data.partition(",")[2]
    head = data[:_HEADER_CHARACTERS]
    try:
        raw = b64decode(head[: len(head) - len(head) % 4])
    except (binascii.Error, ValueError):
        return DEFAULT_SIZE
    return size_of_bytes(raw) or DEFAULT_SIZE


def size_of_bytes(raw: bytes) -> tuple[int, int] | None:
    """Width and height from the first bytes of an image file, or None."""
    if raw.startswith(b"\x89PNG\r\n\x1a\n") and len(raw) >= 24:  # noqa: PLR2004 - the offsets of the PNG header
        return _positive(int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big"))
    if raw[:6] in (b"GIF87a", b"GIF89a") and len(raw) >= 10:  # noqa: PLR2004 - the offsets of the GIF header
        return _positive(int.from_bytes(raw[6:8], "little"), int.from_bytes(raw[8:10], "little"))
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return _webp(raw)
    if raw.startswith(b"\xff\xd8"):
        return _jpeg(raw)
    return None


def _webp(raw: bytes) -> tuple[int, int] | None:
    kind = raw[12:16]
    if kind == b"VP8X" and len(raw) >= 30:  # noqa: PLR2004 - the offsets of the WebP header
        return int.from_bytes(raw[24:27], "little") + 1, int.from_bytes(raw[27:30], "little") + 1
    if kind == b"VP8L" and len(raw) >= 25:  # noqa: PLR2004 - the offsets of the WebP header
        bits = int.from_bytes(raw[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(raw) >= 30:  # noqa: PLR2004 - the offsets of the WebP header
        width, height = int.from_bytes(raw[26:28], "little"), int.from_bytes(raw[28:30], "little")
        return _positive(width & 0x3FFF, height & 0x3FFF)
    return None


def _jpeg(raw: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(raw):
        if raw[at] != 0xFF:  # noqa: PLR2004 - every JPEG segment starts with this byte
            return None
        kind = raw[at + 1]
        if kind in _JPEG_FRAMES:
            return _positive(int.from_bytes(raw[at + 7 : at + 9], "big"), int.from_bytes(raw[at + 5 : at + 7], "big"))
        at += 2 + max(2, int.from_bytes(raw[at + 2 : at + 4], "big"))
    return None


def _positive(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if width and height else None
