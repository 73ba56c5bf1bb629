"""Answers without a model: drawn from the prompt's digest, shaped as the request asks, and labelled as simulated.

The same prompt always gets the same answer. Lengths follow a log-normal distribution per task (a task is a system
prompt with its tools and schema); the request itself can tell the length (``in under 50 words``, ``yes or no``), and a
caller can tell it with a ``hint``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from hashlib import blake2b
from random import Random
from typing import Any

import msgspec

from penstock.simulator.asked import Asked, asked_of
from penstock.simulator.reply import Reply, ToolCall
from penstock.simulator.shaped import WORDS, instance
from penstock.wire.view import View

LABEL = "Simulated answer:"
"""Every free-text answer starts with this, so that nobody takes it for a model's."""

_UNDER_WORDS = re.compile(r"(?:under|most|than|within|in|max(?:imum)?(?: of)?) (\d{1,4}) words", re.IGNORECASE)
_YES_NO = re.compile(r"\byes[ /-]?(?:or |/)?no\b|\btrue or false\b", re.IGNORECASE)
_WORDS_FOR_FREE = 2  # the label's own words


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
        self._seed = seed.to_bytes(8, "big", signed=True)
        self._hint = hint

    def __call__(self, view: View, digest: bytes) -> Reply:
        """The answer of a prompt."""
        asked = asked_of(view)
        random = Random(int.from_bytes(blake2b(digest + self._seed, digest_size=8).digest(), "big"))
        if asked.tool is not None and (asked.must_call or (asked.may_call and random.random() < 0.5)):  # noqa: PLR2004
            return Reply(tool_calls=(_call(asked, random),))
        if asked.schema is not None:
            return Reply(text=_json(instance(asked.schema, random)))
        if asked.json_object:
            return Reply(text=_json({"simulated": True, "answer": _words(random, 6)}))
        return Reply(text=self._text(view, asked, random))

    def _text(self, view: View, asked: Asked, random: Random) -> str:
        if _YES_NO.search(asked.instruction):
            return random.choice(("Yes", "No"))
        length = self._hint(view) if self._hint is not None else None
        limit = _UNDER_WORDS.search(asked.instruction)
        if length is None and limit is not None:
            length = Length(median=int(limit.group(1)) * 0.6, spread=0.2)
        if length is None:
            length = self._length_of_task(view)
        count = round(length.median * math.exp(length.spread * random.gauss(0, 1)))
        if limit is not None:
            count = min(count, int(limit.group(1)))
        return f"{LABEL} {_words(random, max(1, count - _WORDS_FOR_FREE))}."

    def _length_of_task(self, view: View) -> Length:
        task = blake2b(view.system_text().encode("utf-8", "surrogatepass"), digest_size=8, key=self._seed)
        for name in view.tool_names():
            task.update(name.encode("utf-8", "surrogatepass"))
        return Length(median=Random(int.from_bytes(task.digest(), "big")).randint(20, 220))


def _call(asked: Asked, random: Random) -> ToolCall:
    if asked.tool is None:
        raise ValueError("no tool to call")
    return ToolCall(asked.tool.name, _json(instance(asked.tool.schema, random)))


def _words(random: Random, count: int) -> str:
    return " ".join(random.choices(WORDS, k=count))


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
