"""Request bodies that come compressed: read for planning, and sent on as they came unless a plan changed them."""

from __future__ import annotations

from penstock.gateway.headers import Lines
from penstock.wire.content_encoding import plain_within


class Packed:
    """A planned call's body and its content-encoding.

    Args:
        raw: as it came.
        encoding: the value of its ``content-encoding``, or None.
        limit: the most bytes of the plain body.

    Attributes:
        plain: what is planned: the plain body, or the bytes as they came when they cannot be read.
        readable: whether they can.
    """

    __slots__ = ("_raw", "plain", "readable")

    def __init__(self, raw: bytes, encoding: str | None, limit: int) -> None:
        self._raw = raw
        plain = plain_within(raw, encoding, limit)
        self.readable = plain is not None
        self.plain = raw if plain is None else plain

    def outgoing(self, lines: Lines, body: bytes) -> tuple[Lines, bytes]:
        """Headers and body for the provider: the caller's own bytes where a plan left them alone."""
        if body == self.plain:
            return lines, self._raw
        return [line for line in lines if line[0] != b"content-encoding"], body
