"""Which answers made their user ask the same again: the cheapest sign that an answer was no good.

A call is asked again when within a short time the same session sends the very same prompt, or one whose newest words
are nearly the same; without a session only the very same prompt counts, because the calls of a task share most of
their words. Short turns ("go on", "yes") are no rephrasing. Each call is settled once: as asked again, or as not when
its session went on or the time is over. Texts are kept as hashes of their words, in this process only.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

from xxhash import xxh3_64_intdigest

WINDOW_S = 120.0
"""Seconds in which a question counts as asked again."""
ALIKE = 0.5
"""Share of common words (of all words of both) from which a turn is a rephrasing."""
FEWEST = 4
"""Different words that a turn must have to be told from another."""

_READ = 1_000
_MOST = 20_000
_PUNCTUATION = ".,;:!?\"'()[]{}<>"

Tag = TypeVar("Tag")


class Question(NamedTuple):
    """What a call asks.

    Attributes:
        task: its task.
        session: the conversation's key, or None.
        prompt: digest of the whole prompt.
        words: hashes of the words of the newest turn.
    """

    task: str
    session: str | None
    prompt: bytes
    words: frozenset[int]

    @property
    def key(self) -> tuple[str, str | bytes]:
        """Calls with the same key may be each other's repetition."""
        return (self.task, self.session if self.session is not None else self.prompt)

    def repeats(self, other: Question) -> bool:
        """Whether two questions of one key are the same one, in the same or in other words."""
        if self.prompt == other.prompt:
            return True
        if min(len(self.words), len(other.words)) < FEWEST:
            return False
        return len(self.words & other.words) >= ALIKE * len(self.words | other.words)


def words_of(text: str) -> frozenset[int]:
    """Hashes of the different words at a text's beginning, without case and punctuation."""
    words = (word.strip(_PUNCTUATION) for word in text[:_READ].casefold().split())
    return frozenset(xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) for word in words if word)


class AskedAgain(Generic[Tag]):
    """The answered calls of a process whose users may still ask again.

    Args:
        window_s: see ``WINDOW_S``.
        most: calls that are remembered; the oldest are settled as not asked again.
    """

    def __init__(self, window_s: float = WINDOW_S, most: int = _MOST) -> None:
        self._window_s = window_s
        self._most = most
        self._open: OrderedDict[tuple[str, str | bytes], tuple[Question, float, Tag]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def answered(self, question: Question, at: float, tag: Tag) -> Iterator[tuple[Tag, bool]]:
        """A call has its answer at ``at`` (seconds since the epoch); gives what this settles."""
        before = self._open.pop(question.key, None)
        if before is not None:  # two at once: neither can be the other's repetition
            yield before[2], False
        self._open[question.key] = (question, at, tag)
        while len(self._open) > self._most:
            yield self._open.popitem(last=False)[1][2], False

    def asked(self, question: Question, at: float) -> Iterator[tuple[Tag, bool]]:
        """A call comes in at ``at``; gives each call that this settles, and whether it was asked again."""
        before = self._open.pop(question.key, None)
        if before is not None:
            yield before[2], at - before[1] <= self._window_s and question.repeats(before[0])
        while self._open:
            key, (_, answered_at, tag) = next(iter(self._open.items()))
            if at - answered_at <= self._window_s:
                return
            del self._open[key]
            yield tag, False
