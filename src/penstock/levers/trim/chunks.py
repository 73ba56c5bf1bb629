"""Finds retrieved chunks in a text: tagged elements, or numbered sections.

    <document index="1"> ... </document>      also chunk, passage, source, snippet, excerpt, article, result, context,
                                              search_result, and the tag that the policy names; two or more of one tag
    [1] ...                                   at the beginning of a line, numbered from 1 (or 0) without a gap
    Document 2: ...                           likewise Source, Passage, Chunk, Context, Result, Excerpt; with or
                                              without ``#`` before

A numbered section ends where the next begins. Where the last one ends is only known when a line follows that belongs
to the prompt (``Question:``, ``---`` and their like); else the last section is never left out, because what the user
asks may stand at its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

_TAGS = (
    "document", "chunk", "passage", "source", "snippet", "excerpt", "article", "result", "context", "search_result",
)  # fmt: skip
_NUMBERED = re.compile(
    r"^(?:\#{1,4}\s*)?(?:\[(?P<bracket>\d{1,4})\]|"
    r"(?:Document|Source|Passage|Chunk|Context|Result|Excerpt)\s+\#?(?P<word>\d{1,4})\b)",
    re.MULTILINE | re.IGNORECASE,
)
_PROMPT_LINE = re.compile(
    r"^(?:Question|Query|User|Task|Instructions?|Answer|Request)\b.*|^(?:-{3,}|={3,}|\*{3,})\s*$", re.MULTILINE
)
_FEWEST_SECTIONS = 3
_SHORTEST_SECTION = 120


class Chunk(msgspec.Struct, frozen=True):
    """A retrieved chunk as a half-open range of characters.

    Attributes:
        start: its first character.
        end: past its last one.
        may_go: whether it may be left out.
    """

    start: int
    end: int
    may_go: bool = True


def find_chunks(text: str, tag: str | None = None) -> list[Chunk]:
    """The retrieved chunks of a text in their order; empty when there are none.

    Args:
        text: of one message part.
        tag: a further element name, which counts from one element on.
    """
    if tag is not None:
        found = _elements(text, tag)
        if found:
            return found
    for name in _TAGS:
        if f"<{name}" in text:
            found = _elements(text, name)
            if len(found) > 1:
                return found
    return _sections(text)


def _elements(text: str, name: str) -> list[Chunk]:
    """Elements of a tag that do not nest; none at all when one does, because its end is then not known."""
    escaped = re.escape(name)
    opening = re.compile(rf"<{escaped}(?:\s[^<>]*)?>")
    closing = f"</{name}>"
    found: list[Chunk] = []
    position = 0
    while (begun := opening.search(text, position)) is not None:
        end = text.find(closing, begun.end())
        inner = opening.search(text, begun.end())
        if end < 0 or (inner is not None and inner.start() < end):
            return []
        position = end + len(closing)
        found.append(Chunk(begun.start(), position))
    return found


def _sections(text: str) -> list[Chunk]:
    heads = list(_NUMBERED.finditer(text))
    numbers = [int(head["bracket"] or head["word"]) for head in heads]
    if len(heads) < _FEWEST_SECTIONS or numbers[0] not in (0, 1):
        return []
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        return []
    starts = [head.start() for head in heads]
    after = _PROMPT_LINE.search(text, starts[-1])
    ends = [*starts[1:], after.start() if after is not None else len(text)]
    if (ends[-1] - starts[0]) / len(starts) < _SHORTEST_SECTION:
        return []
    chunks = [Chunk(start, end) for start, end in zip(starts, ends, strict=True)]
    if after is None:
        chunks[-1] = Chunk(chunks[-1].start, chunks[-1].end, may_go=False)
    return chunks


def kept_of(contents: Sequence[str], sizes: Sequence[float], budget: float, most: int | None) -> list[bool]:
    """Which chunks are kept, in their given order: whole ones, no exact repetition, within a budget of tokens.

    The given order is the retriever's ranking. A chunk that does not fit is passed over for a later one that does; the
    first is kept whatever its size.

    Args:
        contents: the chunks' texts; repetitions are told without regard to white space.
        sizes: their tokens.
        budget: the most tokens.
        most: the most chunks, or None for as many as fit.
    """
    seen: set[str] = set()
    kept: list[bool] = []
    used = 0.0
    for content, size in zip(contents, sizes, strict=True):
        plain = " ".join(content.split())
        fits = not any(kept) or used + size <= budget
        keep = plain not in seen and fits and (most is None or sum(kept) < most)
        seen.add(plain)
        used += size if keep else 0.0
        kept.append(keep)
    return kept
