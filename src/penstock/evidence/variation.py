"""What varies between texts that are otherwise the same: the spans, and what kind of thing stands there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import msgspec

_TOKEN = re.compile(r"[0-9A-Za-z_]+|\s+|.", re.DOTALL)
_WORD = re.compile(r"[0-9A-Za-z_]")
_RUN = re.compile(r"[0-9A-Za-z_:./+@\\#-]")

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("uuid", re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}")),
    ("email address", re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")),
    ("url", re.compile(r"[a-z]+://\S+")),
    ("clock", re.compile(r"(\d{4}-\d\d-\d\d|\w{3,9},? .*\d).?\d?\d:\d\d(:\d\d)?\S*|\d?\d:\d\d(:\d\d(\.\d+)?)?\S{0,6}")),
    ("date", re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{2,4}")),
    ("unix time", re.compile(r"1[0-9]{9}([0-9]{3}){0,3}(\.\d+)?")),
    ("path", re.compile(r"(~|[A-Za-z]:)?[/\\]?[\w.@-]+([/\\][\w.@-]+)+[/\\]?")),
    ("id", re.compile(r"(?=\S*\d)[A-Za-z]+[_-][\w-]{4,}|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}")),
    ("number", re.compile(r"[+-]?\d[\d,._]*")),
)
_MONTHS = re.compile(
    r"\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\b"
)
_SHORT = 6  # words up to which a varying text is a name rather than content
_FINE = 2_000  # characters between the common ends that are compared word by word
_CLOSE = 3  # characters of common text that do not part two spans


class Span(msgspec.Struct, frozen=True):
    """A stretch of the reference text that is not the same in all texts.

    Attributes:
        start: first character.
        end: one past the last.
        kind: ``uuid``, ``clock``, ``date``, ``unix time``, ``path``, ``id``, ``url``, ``email address``, ``counter``,
            ``number``, ``name`` (a few words) or ``text``.
        values: how many different values the texts have there.
    """

    start: int
    end: int
    kind: str
    values: int


def varying_spans(texts: Sequence[str]) -> list[Span]:
    """The spans of the first text that differ in the others, in order; empty when all are the same.

    Values of different length are fine. Runs of letters and digits are taken whole, so that a clock whose minute alone
    differs is one clock.
    """
    reference = texts[0]
    cuts: list[_Cut] = []
    for other in dict.fromkeys(texts[1:]):
        if other != reference:
            cuts += _differences(reference, other)
    return [
        Span(start, end, _kind(reference[start:end], values), len({reference[start:end], *values}))
        for start, end, values in _merged(reference, cuts)
    ]


def common_share(text: str, spans: Sequence[Span]) -> float:
    """The share of a text outside the spans."""
    return 1 - sum(span.end - span.start for span in spans) / len(text) if text else 0.0


def masked_shape(text: str, longest: int = 40) -> str:
    """A text with its letters and digits masked: ``9999-99-99T99:99`` for a clock; long ones are cut."""
    shape = re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", text[:longest])))
    shape = re.sub(r"[^\x20-\x7e]", "?", shape)
    return shape + ("..." if len(text) > longest else "")


class _Cut(NamedTuple):
    """A stretch of the reference and what another text has in its place."""

    start: int
    end: int
    value: str


def _differences(one: str, other: str) -> list[_Cut]:
    """Where the first text is not the second: between their common beginning and end, word by word if that is short."""
    limit = min(len(one), len(other))
    head = _common(one, other, limit)
    while head > 0 and _WORD.match(one[head - 1]):
        head -= 1
    tail = _common(one[::-1], other[::-1], limit - head)
    while tail > 0 and _WORD.match(one[len(one) - tail]):
        tail -= 1
    middle, against = one[head : len(one) - tail], other[head : len(other) - tail]
    if max(len(middle), len(against)) > _FINE:
        return [_Cut(head, len(one) - tail, against)]
    left, right = _TOKEN.findall(middle), _TOKEN.findall(against)
    starts = [head]
    for token in left:
        starts.append(starts[-1] + len(token))
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    return [
        _Cut(starts[a], starts[b], "".join(right[c:d])) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"
    ]


def _common(one: str, other: str, limit: int) -> int:
    """Length of the common beginning, by halving: strings are compared in C."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _whole_run(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and _RUN.match(text[start - 1]) and (end > start and _RUN.match(text[start])):
        start -= 1
    least = end
    while 0 < end < len(text) and _RUN.match(text[end]) and _RUN.match(text[end - 1]):
        end += 1
    while end > least and text[end - 1] in ".:-/":  # the end of a sentence, not of the value
        end -= 1
    return start, end


def _merged(text: str, cuts: list[_Cut]) -> list[tuple[int, int, set[str]]]:
    """Whole runs, joined where little stands between them, each with the values that the other texts have there."""
    found: list[tuple[int, int, set[str]]] = []
    for cut in sorted(cuts):
        start, end = _whole_run(text, cut.start, cut.end)
        value = text[start : cut.start] + cut.value + text[cut.end : end]
        if found and start - found[-1][1] <= _CLOSE and "\n" not in text[found[-1][1] : start]:
            first, last, values = found[-1]
            found[-1] = (first, max(last, end), values | {value})
        else:
            found.append((start, end, {value}))
    return found


def _kind(text: str, values: set[str]) -> str:
    value = text.strip(" \t\n.,;:()[]{}<>\"'`")
    for kind, pattern in _KINDS:
        if pattern.fullmatch(value):
            return "counter" if kind == "number" and _counts_up({text, *values}) else kind
    if _MONTHS.search(value) and len(value.split()) <= _SHORT:
        return "clock" if re.search(r"\d:\d\d", value) else "date"
    return "name" if len(value.split()) <= _SHORT and len(value) <= 80 and "\n" not in value else "text"  # noqa: PLR2004 - a line


def _counts_up(values: set[str]) -> bool:
    """Small whole numbers that are close together."""
    if not all(value.isdecimal() and len(value) < 8 for value in values):  # noqa: PLR2004 - longer ones are ids
        return False
    numbers = sorted(map(int, values))
    return numbers[-1] - numbers[0] <= 50 * len(numbers)
