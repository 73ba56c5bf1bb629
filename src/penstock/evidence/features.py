"""What can be seen of a prompt without a model: hashed words and letter groups, and its surface.

Numpy does all the work, so importing this module needs the ``learn`` extra. Only the head and the tail of a long
prompt are read, which bounds the time; the whole length is one of the surface features. The features hold no text and
cannot be turned back into it in practice (hashes into ``GRAMS`` buckets, order lost).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.evidence.surface import surface_features

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
_MANY = 4096
_DOWN = np.uint64(64 - BITS)


def _powers(base: int) -> NDArray[np.uint64]:
    powers, value = [], 1
    for _ in range(_LONGEST):
        powers.append(value)
        value = value * base % 2**64
    return np.array(powers, dtype=np.uint64)


_POWERS = _powers(_BASE)
_INVERSES = _powers(pow(_BASE, -1, 2**64))
_WORD = bytes(chr(code).isalnum() or code >= 128 for code in range(256))  # noqa: PLR2004 - not ASCII


NO_VECTOR = np.zeros(0, dtype=np.float32)


class Features(NamedTuple):
    """One prompt.

    Attributes:
        grams: the buckets that occur, ascending and without repeats.
        surface: ``SURFACES`` numbers, of the order of 0..10: lengths (log), shares of letters, digits, capitals and
            punctuation, line lengths, counts (log) of single characters.
        vector: the user's own embedding, of length one; empty without one.
    """

    grams: NDArray[np.int32]
    surface: NDArray[np.float32]
    vector: NDArray[np.float32] = NO_VECTOR


def prompt_features(text: str, tools: int = 0) -> Features:
    """The features of a prompt; any string is fine, also an empty one.

    Args:
        text: what the caller asks: the newest user text, with the system text before it where that varies.
        tools: number of tools offered with the call.
    """
    read = text if len(text) <= HEAD + TAIL else text[:HEAD] + text[-TAIL:]
    raw = read.encode("utf-8", "replace") or b" "
    lower = raw.lower()  # ASCII only, so that the length stays
    lowered = np.frombuffer(lower, dtype=np.uint8)
    letters = np.frombuffer(b"\0%b\0" % lower.translate(_WORD), dtype=bool)
    edges = np.flatnonzero(letters[1:] != letters[:-1])
    starts, ends = edges[::2], edges[1::2]
    return Features(_grams(lowered, starts, ends), surface_features(text, raw, lower, ends - starts, tools))


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
    return _different(buckets)


def _different(buckets: NDArray[np.int32]) -> NDArray[np.int32]:
    """The buckets that occur, ascending: few are sorted, many are marked on a board of all."""
    if len(buckets) > _MANY or not len(buckets):
        seen = np.zeros(GRAMS, dtype=bool)
        seen[buckets] = True
        return np.flatnonzero(seen).astype(np.int32)
    short = buckets.astype(np.uint16)
    short.sort()
    keep = np.empty(len(short), dtype=bool)
    keep[0] = True
    np.not_equal(short[1:], short[:-1], out=keep[1:])
    return short[keep].astype(np.int32)
