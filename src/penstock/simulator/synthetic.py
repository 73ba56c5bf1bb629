"""Answers without a model: drawn from the prompt's digest, shaped as the request asks, and labelled as simulated.

The same prompt always gets the same answer. Lengths follow a log-normal distribution per task (a task is a system
prompt with its tools and schema); the request itself can tell the length (``in under 50 words``, ``yes or no``), and a
caller can tell it with a ``hint``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from penstock.simulator.asked import Asked, asked_of
from penstock.simulator.drawing import log_normal, whole
from penstock.simulator.reply import Reply, ToolCall
from penstock.simulator.shaped import WORDS, instance
from penstock.wire.view import View

LABEL = "Simulated answer:"
"""Every free-text answer starts with this, so that nobody takes it for a model's."""

_UNDER_WORDS = re.compile(r"(?:under|most|than|within|in|max(?:imum)?(?: of)?) (\d{1,4}) words")
_YES_NO = re.compile(r"\byes[ /-]?(?:or |/)?no\b|\btrue or false\b")
_WORDS_OF_LABEL = 2
_STREAM = Random(0).choices(WORDS, k=1 << 14)
_SHORTEST_MEDIAN, _MEDIANS = 20, 200


class Length(msgspec.Struct, frozen=True):
    """How long answers are, in words.

    Attributes:
        median: of the log-normal distribution.
        spread: its sigma; 0 gives the median each time.
    """

    median: float
    spread: float = 0.35


Hint = Callable[[View], Length | None]
"""Tells the length of an answer, or None to let the responder draw it."""


class Synthetic:
    """The responder of labelled, deterministic answers."""

    def __init__(self, seed: int = 0, hint: Hint | None = None) -> None:
        self._seed = seed
        self._hint = hint

    def __call__(self, view: View, digest: bytes) -> Reply:
        """The answer of a prompt."""
        asked = asked_of(view)
        if asked.tool is not None and (asked.must_call or (asked.may_call and self._coin(digest))):
            arguments = instance(asked.tool.schema, self._random(digest))
            return Reply(tool_calls=(ToolCall(asked.tool.name, _json(arguments)),))
        if asked.schema is not None:
            return Reply(text=_json(instance(asked.schema, self._random(digest))))
        if asked.json_object:
            return Reply(text=_json({"simulated": True, "answer": self._words(digest, 6)}))
        return Reply(text=self._text(view, asked, digest))

    def _text(self, view: View, asked: Asked, digest: bytes) -> str:
        instruction = asked.instruction.lower()
        if ("yes" in instruction or "true or false" in instruction) and _YES_NO.search(instruction):
            return "Yes" if self._coin(digest) else "No"
        limit = _UNDER_WORDS.search(instruction) if " words" in instruction else None
        length = self._hint(view) if self._hint is not None else None
        if length is None and limit is not None:
            length = Length(median=int(limit.group(1)) * 0.6, spread=0.2)
        if length is None:
            length = self._length_of_task(view)
        count = round(log_normal(length.median, length.spread, digest, self._seed, b"length"))
        if limit is not None:
            count = min(count, int(limit.group(1)))
        return f"{LABEL} {self._words(digest, max(1, count - _WORDS_OF_LABEL))}."

    def _length_of_task(self, view: View) -> Length:
        task = "\0".join((view.system_text(), *view.tool_names())).encode("utf-8", "surrogatepass")
        return Length(median=_SHORTEST_MEDIAN + whole(task, self._seed, b"task") % _MEDIANS)

    def _words(self, digest: bytes, count: int) -> str:
        """A stretch of one endless stream of words."""
        start = whole(digest, self._seed, b"words") % len(_STREAM)
        found = _STREAM[start : start + count]
        while len(found) < count:
            found += _STREAM[: count - len(found)]
        return " ".join(found)

    def _coin(self, digest: bytes) -> bool:
        return bool(whole(digest, self._seed, b"coin") & 1)

    def _random(self, digest: bytes) -> Random:
        return Random(whole(digest, self._seed, b"value"))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
