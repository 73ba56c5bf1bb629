"""Heads that were seen before. A client sends the same headers with every request, but for the length.

What follows from the headers alone (the labels, whose key it is, what goes upstream) is worked out once and found again
by the exact header lines. Heads of callers that may not come in are not kept, so strangers cannot fill the memory.
"""

from __future__ import annotations

import copy

from penstock.gateway.headers import Asked, Lines, take_apart
from penstock.gateway.keys import Holder, KeyRing

MOST = 1024
"""Heads that are kept; with one more all are forgotten."""

MOST_BYTES = 8192
"""Bytes of a head that is kept."""


class Heads:
    """The heads of one gateway under one policy.

    Args:
        ring: the virtual keys.
        most: see ``MOST``.
    """

    def __init__(self, ring: KeyRing, most: int = MOST) -> None:
        self._ring = ring
        self._most = most
        self._known: dict[tuple[tuple[bytes, bytes], ...], tuple[Asked, Holder | None]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def read(self, lines: Lines) -> tuple[Asked, Holder | None]:
        """A request's headers taken apart, and whose key they hold (None where none is known)."""
        length: bytes | None = None
        rest: Lines = []
        for line in lines:
            if line[0] == b"content-length":
                length = line[1]
            else:
                rest.append(line)
        key = tuple(rest)
        known = self._known.get(key)
        if known is None:
            known = self._new(key)
        asked = copy.copy(known[0])
        asked.length = int(length) if length is not None and length.isdigit() else None
        return asked, known[1]

    def _new(self, lines: tuple[tuple[bytes, bytes], ...]) -> tuple[Asked, Holder | None]:
        asked = take_apart(lines)
        holder = self._ring.holder(asked) if self._ring else None
        wanted = holder is not None or not self._ring
        if wanted and sum(len(name) + len(value) for name, value in lines) <= MOST_BYTES:
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[lines] = (asked, holder)
        return asked, holder
