"""Identifiers in the providers' shapes, drawn from the seed and a counter so that a run repeats exactly."""

from __future__ import annotations

from hashlib import blake2b

_ALPHABET = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LETTERS = bytes(_ALPHABET[number % len(_ALPHABET)] for number in range(256))


class Ids:
    """A stream of identifiers."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8, "big", signed=True)
        self._count = 0

    def next(self, prefix: str, length: int = 24) -> str:
        """``prefix`` and ``length`` letters and digits, at most 48."""
        return prefix + self._draw().translate(_LETTERS)[:length].decode("ascii")

    def hexadecimal(self, prefix: str, length: int = 32) -> str:
        """``prefix`` and ``length`` hexadecimal digits, at most 96."""
        return prefix + self._draw().hex()[:length]

    def _draw(self) -> bytes:
        self._count += 1
        return blake2b(self._count.to_bytes(8, "big"), digest_size=48, key=self._key).digest()
