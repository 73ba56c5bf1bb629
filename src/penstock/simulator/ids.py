"""Identifiers in the providers' shapes, drawn from the seed and a counter so that a run repeats exactly."""

from __future__ import annotations

from hashlib import blake2b

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class Ids:
    """A stream of identifiers."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8, "big", signed=True)
        self._count = 0

    def next(self, prefix: str, length: int = 24) -> str:
        """``prefix`` and ``length`` letters and digits, at most 32."""
        self._count += 1
        number = int.from_bytes(blake2b(self._count.to_bytes(8, "big"), digest_size=24, key=self._key).digest(), "big")
        letters: list[str] = []
        for _ in range(length):
            number, rest = divmod(number, len(_ALPHABET))
            letters.append(_ALPHABET[rest])
        return prefix + "".join(letters)

    def hexadecimal(self, prefix: str, length: int = 32) -> str:
        """``prefix`` and ``length`` hexadecimal digits, at most 48."""
        self._count += 1
        digest = blake2b(self._count.to_bytes(8, "big"), digest_size=24, key=self._key)
        return prefix + digest.hexdigest()[:length]
