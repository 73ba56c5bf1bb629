"""JSON in all its formatting: odd spaces, escapes, repeated keys, numbers that no float holds, with known offsets.

Documents are made by a seeded generator, which is many times faster than drawing each token; hypothesis draws the
seed and the size.
"""

from __future__ import annotations

import json
from random import Random

from hypothesis import strategies as st

from penstock.wire.segments import Path

Spans = dict[Path, tuple[int, int]]
Document = tuple[bytes, Spans]
"""A text, and the span of every place in it (of a repeated key the last one)."""

_SPACES = ["", "", "", " ", "  ", "\n", "\t", "\r\n "]
_SCALARS = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "7",
    "1e2",
    "1E+05",
    "-0.10",
    "3.1400",
    "123456789012345678901234567890",
    "-18446744073709551616",
    '""',
    '"[{,]}:\\""',
    '"\\\\"',
    '"\\\\\\""',
    '"\\u0041\\/\\b\\n"',
    '"\\ud83d\\ude00"',
    '"é😀"',
    '"a, b] c} \\u005d"',
    '"\u2028\u00a0\x7f"',
    '"plain text"',
]
_KEYS = ['"a"', '"b"', '"c"', '"\\u0061"', '"é"', '""', '"k\\"]}"', '"long key"', '"0"']


class _Writer:
    """Writes one random value and notes where its parts stand."""

    def __init__(self, seed: int, size: int) -> None:
        self.random = Random(seed)
        self.left = size
        self.out = bytearray()
        self.spans: Spans = {}

    def space(self) -> None:
        self.out += self.random.choice(_SPACES).encode()

    def value(self, path: Path, *, container: bool = False) -> None:
        for known in [known for known in self.spans if known[: len(path)] == path]:
            del self.spans[known]  # an earlier value under the same key does not count
        self.left -= 1
        kind = self.random.choice("[{") if container else self.random.choice("ss[{") if self.left > 0 else "s"
        start = len(self.out)
        if kind == "s":
            self.out += self.random.choice(_SCALARS).encode()
        else:
            self.out += kind.encode()
            self.space()
            for index in range(self.random.randint(0, 4)):
                self.entry(path, index, keyed=kind == "{")
            self.out += b"]" if kind == "[" else b"}"
        self.spans[path] = (start, len(self.out))

    def entry(self, path: Path, index: int, *, keyed: bool) -> None:
        step: str | int = index
        if index:
            self.out += b","
        self.space()
        if keyed:
            key = self.random.choice(_KEYS)
            step = json.loads(key)
            self.out += key.encode()
            self.space()
            self.out += b":"
            self.space()
        self.value((*path, step))
        self.space()


def _document(seed: int, size: int) -> Document:
    writer = _Writer(seed, size)
    writer.space()
    writer.value((), container=True)
    writer.space()
    return bytes(writer.out), writer.spans


def _value(seed: int, size: int) -> bytes:
    writer = _Writer(seed, size)
    writer.value(())
    return bytes(writer.out)


_SEEDS = st.integers(0, 2**32)
_SIZES = st.integers(0, 40)
DOCUMENTS = st.builds(_document, _SEEDS, _SIZES)
"""An object or array with space around it."""
VALUES = st.builds(_value, _SEEDS, st.integers(0, 8))
"""The text of any value."""
