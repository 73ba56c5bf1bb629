"""What can be seen of a prompt without a model: hashed words and letter groups, and its surface.

Numpy does all the work, so importing this module needs the ``learn`` extra. Only the head and the tail of a long
prompt are read, which bounds the time; the whole length is one of the surface features. The features hold no text and
cannot be turned back into it in practice (hashes into ``GRAMS`` buckets, order lost).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEAD, TAIL = 4000, 2000
"""Characters of a long prompt that are read, from its start and its end."""

BITS = 14
GRAMS = 2 << BITS
"""Buckets: the first half for words and pairs of neighbouring words, the second for groups of four bytes."""

GROUP = 4

_LONGEST = 4 * (HEAD + TAIL) + 8  # bytes: UTF-8 has at most four per character
_BASE = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xD6E8FEB86659FD93)
_PAIR = np.uint64(31)
_SHIFT = np.uint64(29)
_DOWN = np.uint64(64 - BITS)


def _powers(base: int) -> NDArray[np.uint64]:
    powers, value = [], 1
    for _ in range(_LONGEST):
        powers.append(value)
        value = value * base % 2**64
    return np.array(powers, dtype=np.uint64)


_POWERS = _powers(_BASE)
_INVERSES = _powers(pow(_BASE, -1, 2**64))
_WORD = np.array([chr(code).isalnum() or code >= 128 for code in range(256)])  # noqa: PLR2004 - not ASCII
_DIGIT = np.array([chr(code) in "0123456789" for code in range(256)])

_SINGLE = b"?,.$%=/(\":_-';"
_SINGLES = np.frombuffer(_SINGLE, dtype=np.uint8)
SURFACES = 19 + len(_SINGLE)
"""Number of surface features."""


class Features(NamedTuple):
    """One prompt.

    Attributes:
        grams: the buckets that occur, ascending and without repeats.
        surface: ``SURFACES`` numbers, of the order of 0..10: lengths (log), shares of letters, digits, capitals and
            punctuation, line lengths, counts (log) of single characters.
    """

    grams: NDArray[np.int32]
    surface: NDArray[np.float32]


def prompt_features(text: str, tools: int = 0) -> Features:
    """The features of a prompt; any string is fine, also an empty one.

    Args:
        text: what the caller asks: the newest user text, with the system text before it where that varies.
        tools: number of tools offered with the call.
    """
    read = text if len(text) <= HEAD + TAIL else text[:HEAD] + text[-TAIL:]
    raw = read.encode("utf-8", "replace") or b" "
    data = np.frombuffer(raw, dtype=np.uint8)
    lowered = np.frombuffer(raw.lower(), dtype=np.uint8)  # ASCII only, so that the length stays
    letters = _WORD[lowered]
    edges = np.flatnonzero(letters[1:] != letters[:-1]) + 1
    if letters[0]:
        edges = np.concatenate(([0], edges))
    if letters[-1]:
        edges = np.concatenate((edges, [len(data)]))
    starts, ends = edges[::2], edges[1::2]
    return Features(_grams(lowered, starts, ends), _surface(text, raw, data, len(starts), tools))


def _grams(data: NDArray[np.uint8], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.int32]:
    """Polynomial hashes of all words, word pairs and byte groups at once, from one running sum."""
    n = len(data)
    sums = np.empty(n + 1, dtype=np.uint64)
    sums[0] = 0
    np.cumsum(_POWERS[:n] * data, out=sums[1:])
    words = (sums[ends] - sums[starts]) * _INVERSES[starts]
    pairs = words[:-1] * _PAIR + words[1:] * _POWERS[1]
    groups = (sums[GROUP:] - sums[:-GROUP]) * _INVERSES[: max(0, n - GROUP + 1)]
    hashes = np.concatenate((words, pairs, groups))
    hashes ^= hashes >> _SHIFT
    hashes *= _MIX
    hashes >>= _DOWN
    buckets = hashes.astype(np.int32)
    buckets[len(words) + len(pairs) :] += 1 << BITS
    seen = np.zeros(GRAMS, dtype=bool)
    seen[buckets] = True
    return np.flatnonzero(seen).astype(np.int32)


def _surface(text: str, raw: bytes, data: NDArray[np.uint8], words: int, tools: int) -> NDArray[np.float32]:
    count = np.bincount(data, minlength=256)
    n, words = len(data), max(1, words)
    upper, letters = int(count[65:91].sum()), int(count[65:91].sum() + count[97:123].sum())
    digits, beyond = int(count[48:58].sum()), int(count[128:].sum())
    blank = int(count[32] + count[10] + count[9])
    digit = _DIGIT[data]
    numbers = int(np.count_nonzero(digit[1:] > digit[:-1])) + int(digit[0])
    lines = [len(line) for line in raw.split(b"\n")]
    sentences = 1 + int(count[46] + count[63] + count[33])
    logs: list[float] = [len(text), words, len(lines), digits, numbers, max(lines), lines[0], lines[-1], n / len(lines)]
    logs += [words / sentences, int(count[94] + count[92]), int(count[91] + count[123]), int(count[42] + count[43])]
    logs.append(tools)
    shares = [10 * digits / n, 10 * upper / n, 10 * (n - blank - letters - digits - beyond) / n]
    shares += [letters / words, 10 * numbers / words]
    found = np.empty(SURFACES, dtype=np.float32)
    found[: len(logs)] = logs
    found[len(logs) : len(logs) + len(_SINGLE)] = count[_SINGLES]
    np.log1p(found[: len(logs) + len(_SINGLE)], out=found[: len(logs) + len(_SINGLE)])
    found[len(logs) + len(_SINGLE) :] = shares
    return found
