"""The surface of a prompt: its size, its characters, the words that shape a question, and the choices that it offers.

Every feature is a small number (a logarithm of a count, a share, or 0 and 1) that means the same in any language or
subject, except that the words looked for are English. Nothing here depends on the traffic: the meaning of the features
is learnt from labels.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from math import log1p, sqrt

import numpy as np
from numpy.typing import NDArray

OPENINGS = tuple(b"what which who whose how when where why if is are can does find let in the a all according".split())
"""First words of a question that are told apart."""

SHAPING = tuple(
    b"not no except false true never always all none both only most least best likely more less than "
    b"following statement correct incorrect if then would should because i my he she we they "
    b"each every per percent times half twice total many much number left rest between first same "
    b"function return list given let find".split()
)
"""Words that change what a question asks for, wherever they stand: negations, comparisons, persons, quantities."""

MOST_CHOICES = 10
"""Choices of one prompt that are looked at."""

_SINGLE = b"?,.$%=/(\":_-';"
_BASIC = 19 + len(_SINGLE)
_CHOICES = 17
_NUMBERS = 3
_LONG_WORD = 9
SURFACES = _BASIC + 3 + len(OPENINGS) + len(SHAPING) + _CHOICES + _NUMBERS
"""Number of surface features."""

OPENING = slice(_BASIC + 3, _BASIC + 3 + len(OPENINGS))
"""Where the flags of ``OPENINGS`` stand; at most one of them is 1."""

CHOICES = slice(OPENING.stop + len(SHAPING), OPENING.stop + len(SHAPING) + _CHOICES)
"""Where the features of the choices stand."""

_OPENINGS = {word: place for place, word in enumerate(OPENINGS)}
_SHAPING = {word: place for place, word in enumerate(SHAPING, len(OPENINGS))}
_NO_FLAGS = array("f", bytes(4 * (len(OPENINGS) + len(SHAPING))))
_DIGIT = bytes(chr(code) in "0123456789" for code in range(256))
_APART = bytes(code if chr(code).isalnum() or code >= 128 else 32 for code in range(256))  # noqa: PLR2004 - not ASCII
_CHOICE = re.compile(rb"\n[ \t]*\(?(?:[A-Ja-j]|[1-9])[.):][ \t]+([^\n]+)")
_NUMERIC = re.compile(rb"[ $%+\-.,/0-9^()=x]*[0-9][ $%+\-.,/0-9^()=x]*.{0,6}$")
_OPEN = re.compile(rb"\b(?:all|none|both|neither|any) of (?:the |these|them)|\bcannot\b|\bnot enough\b")
_CENTURIES = frozenset({b"17", b"18", b"19", b"20"})
_VERDICTS = frozenset(b"true false yes no not correct incorrect right wrong valid invalid maybe".split())


def surface_features(
    text: str, raw: bytes, lowered: bytes, lengths: NDArray[np.intp], tools: int
) -> NDArray[np.float32]:
    """``SURFACES`` numbers of the order of 0..10.

    Args:
        text: the whole prompt, whose length counts.
        raw: the part of it that is read, in UTF-8; at least one byte.
        lowered: the same with small letters.
        lengths: of its words, in bytes.
        tools: number of tools offered with the call.
    """
    found = np.empty(SURFACES, dtype=np.float32)
    _basic(found[:_BASIC], text, raw, len(lengths), tools)
    offered = _CHOICE.findall(raw)[:MOST_CHOICES]
    cut = raw.find(offered[0]) if len(offered) > 1 else len(raw)
    words = lowered[:cut].translate(_APART).split()
    stem = set(words)
    seen = stem.union(lowered[cut:].translate(_APART).split())
    opening = _opening(lowered, words)
    flags = array("f", _NO_FLAGS)
    if opening in _OPENINGS:
        flags[_OPENINGS[opening]] = 1.0
    for word in _SHAPING.keys() & seen:
        flags[_SHAPING[word]] = 1.0
    rest = array("f", _words(lengths, len(seen)))
    rest += flags
    rest.extend(_choices(offered, stem))
    rest.extend(_numbers(seen))
    found[_BASIC:] = rest
    return found


def _words(lengths: NDArray[np.intp], different: int) -> list[float]:
    """Variety of the words, spread of their lengths, and the share of long ones."""
    n = len(lengths)
    if not n:
        return [1.0, 0.0, 0.0]
    variance = max(0.0, int(lengths @ lengths) / n - (int(lengths.sum()) / n) ** 2)
    return [different / n, log1p(sqrt(variance)), np.count_nonzero(lengths > _LONG_WORD) / n]


def _basic(found: NDArray[np.float32], text: str, raw: bytes, words: int, tools: int) -> None:
    data = np.frombuffer(raw, dtype=np.uint8)
    count: list[int] = np.bincount(data, minlength=256).tolist()
    n, words = len(data), max(1, words)
    upper, digits, beyond = sum(count[65:91]), sum(count[48:58]), sum(count[128:])
    letters = upper + sum(count[97:123])
    blank = count[32] + count[10] + count[9]
    numbers = _runs(np.frombuffer(raw.translate(_DIGIT), dtype=bool)) if digits else 0
    lines = [len(line) for line in raw.split(b"\n")]
    sentences = 1 + count[46] + count[63] + count[33]
    logs: list[float] = [len(text), words, len(lines), digits, numbers, max(lines), lines[0], lines[-1], n / len(lines)]
    logs += [words / sentences, count[94] + count[92], count[91] + count[123], count[42] + count[43]]
    logs.append(tools)
    shares = [10 * digits / n, 10 * upper / n, 10 * (n - blank - letters - digits - beyond) / n]
    shares += [letters / words, 10 * numbers / words]
    found[: len(logs)] = logs
    found[len(logs) : len(logs) + len(_SINGLE)] = [count[code] for code in _SINGLE]
    np.log1p(found[: len(logs) + len(_SINGLE)], out=found[: len(logs) + len(_SINGLE)])
    found[len(logs) + len(_SINGLE) :] = shares


def _runs(flags: NDArray[np.bool_]) -> int:
    """How many runs of set flags there are."""
    return int(np.count_nonzero(flags[1:] > flags[:-1])) + int(flags[0])


def _opening(lowered: bytes, words: Sequence[bytes]) -> bytes:
    """The first word of the last sentence that ends in a question mark; without one, of the prompt."""
    end = lowered.rfind(b"?")
    if end > 0:
        begin = max(lowered.rfind(b". ", 0, end), lowered.rfind(b"\n", 0, end), lowered.rfind(b": ", 0, end)) + 1
        asked = lowered[begin:end].translate(_APART).split(None, 1)
        if asked:
            return asked[0]
    return words[0] if words else b""


def _choices(choices: Sequence[bytes], stem: AbstractSet[bytes]) -> list[float]:
    """Choices on lines of their own with a letter or a digit before them: how many, how long, how much alike."""
    n = len(choices)
    if n <= 1:
        return [0.0] * _CHOICES
    lengths = [len(choice) for choice in choices]
    mean = sum(lengths) / n
    spread = sqrt(sum((length - mean) ** 2 for length in lengths) / n)
    low, high = log1p(min(lengths)), log1p(max(lengths))
    sets = [set(choice.lower().translate(_APART).split()) for choice in choices]
    sizes = [max(1, len(one)) for one in sets]
    alike = [_shared(a, b) for a, b in pairwise(sets)]
    asked = [len(one & stem) / size for one, size in zip(sets, sizes, strict=True)]
    return [
        log1p(n),
        log1p(sum(sizes) / n),
        low,
        log1p(mean),
        high,
        log1p(spread),
        high - low,
        1.0 - len(set().union(*sets)) / sum(sizes),
        max(alike),
        sum(asked) / n,
        max(asked),
        sum(_NUMERIC.match(choice) is not None for choice in choices) / n,
        sum(choice[:1].isupper() for choice in choices) / n,
        sum(choice.rstrip().endswith(b".") for choice in choices) / n,
        float(_is_open(b"\n".join(choices).lower())),
        sum(len(one) <= 2 and not one.isdisjoint(_VERDICTS) for one in sets) / n,  # noqa: PLR2004 - "not wrong"
        sum(b" only" in choice or b" and " in choice for choice in choices) / n,
    ]


def _shared(one: AbstractSet[bytes], other: AbstractSet[bytes]) -> float:
    """The words that both have, over the words that either has."""
    both = len(one & other)
    return both / max(1, len(one) + len(other) - both)


def _is_open(choices: bytes) -> bool:
    """Whether a choice speaks of the others, or of what cannot be told; most have none of these words at all."""
    maybe = b" of the" in choices or b"cannot" in choices or b" enough" in choices
    return maybe and _OPEN.search(choices) is not None


def _numbers(words: Iterable[bytes]) -> list[float]:
    """Runs of digits in the text: how many different ones, the longest, and years (counts and length as logarithms)."""
    numbers = list(filter(bytes.isdigit, words))
    if not numbers:
        return [0.0] * _NUMBERS
    years = sum(len(number) == 4 and number[:2] in _CENTURIES for number in numbers)  # noqa: PLR2004
    return [log1p(len(numbers)), log1p(max(map(len, numbers))), log1p(years)]
