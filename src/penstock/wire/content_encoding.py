"""Reading bodies that are compressed on the wire: gzip, deflate (with and without zlib's wrapper) and identity."""

from __future__ import annotations

import zlib
from typing import Protocol

READABLE = b"gzip, deflate"
"""What we can read, as the value of an ``accept-encoding`` header."""

_GZIP = 16 + zlib.MAX_WBITS


class Decoder(Protocol):
    """Turns wire bytes into plain ones, piece by piece."""

    def feed(self, data: bytes) -> bytes:
        """The plain bytes that these make whole; ValueError when they are not of the encoding."""
        ...


class _Plain:
    def feed(self, data: bytes) -> bytes:
        return data


class _Inflate:
    """gzip, or deflate; for the latter some servers leave zlib's wrapper away, which shows at the first byte."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._inflate = zlib.decompressobj(_GZIP) if gzip else None

    def feed(self, data: bytes) -> bytes:
        if not data:
            return b""
        if self._inflate is None:
            self._inflate = zlib.decompressobj(_window(data))
        try:
            plain = self._inflate.decompress(data)
            while self._gzip and self._inflate.eof and self._inflate.unused_data:  # a gzip body may have many members
                rest = self._inflate.unused_data
                self._inflate = zlib.decompressobj(_GZIP)
                plain += self._inflate.decompress(rest)
        except zlib.error as error:
            raise ValueError("the body is not of its content-encoding") from error
        return plain


def decoder_of(encoding: str | None) -> Decoder | None:
    """A decoder for the value of a ``content-encoding`` header; None for one that we cannot read."""
    name = (encoding or "identity").strip().lower()
    if name in ("identity", ""):
        return _Plain()
    if name in ("gzip", "x-gzip"):
        return _Inflate(gzip=True)
    return _Inflate(gzip=False) if name == "deflate" else None


def plain_body(body: bytes, encoding: str | None) -> bytes | None:
    """A whole body without its encoding; None when it cannot be read."""
    if not encoding:
        return body
    decoder = decoder_of(encoding)
    if decoder is None:
        return None
    try:
        return decoder.feed(body)
    except ValueError:
        return None


def plain_within(body: bytes, encoding: str | None, limit: int) -> bytes | None:
    """A whole body without its encoding; None when it cannot be read, is cut short, or is longer than ``limit`` bytes.

    No more than ``limit`` bytes are ever made of it, however small it came.
    """
    name = (encoding or "identity").strip().lower()
    if name in ("identity", ""):
        return body if len(body) <= limit else None
    if name not in ("gzip", "x-gzip", "deflate"):
        return None
    plain = b""
    rest = body
    try:
        while rest:
            inflate = zlib.decompressobj(_window(rest) if name == "deflate" else _GZIP)
            plain += inflate.decompress(rest, limit + 1 - len(plain))
            if len(plain) > limit or not inflate.eof:
                return None
            rest = inflate.unused_data
    except zlib.error:
        return None
    return plain


def _window(data: bytes) -> int:
    """The window that zlib needs for a deflate body, with or without its wrapper."""
    wrapped = data[0] & 0x0F == 8 and data[0] >> 4 <= 7  # noqa: PLR2004 - RFC 1950: method 8, window up to 7
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
