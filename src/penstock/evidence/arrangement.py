"""How a task's tools and output schema are written: the first spelling of each is the one to keep (traps T6, T7).

Two definitions are the same when they decode to the same JSON: the order of an object's keys, white space and escapes
may differ, the order of a list may not. Providers compare bytes, so a client whose maps come out in changing order
never reads what it wrote. The spelling in which this process first saw a definition of a task is its canonical one: of
a task that spells it one way nothing is ever changed, and what a list of tools shows is decided when it is first seen,
so no turn of a conversation is written otherwise than the turn before.

The order of ``properties`` can steer the order in which a model writes its answer's keys. It is put back to one that
the client sent itself, and only where the client sends several, so that it cannot be counting on any
(decision 0011).

The first spellings are kept in memory, within a bound, and written nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

import msgspec
from xxhash import xxh3_64_intdigest

from penstock.wire.memo import Memo
from penstock.wire.view import View

_SPELLINGS_BYTES = 8 << 20
_LISTS = 20_000
_OF_SCHEMAS = 0x5C4E3A  # sets schemas apart from tools


class Arrangement(msgspec.Struct, frozen=True):
    """A list of tools, or an output schema, beside what was seen of the task before.

    Attributes:
        spellings: each definition as it was first seen, in the order of the request; empty when all are so already.
        respelled: how many of them are not.
        reordered: whether the same definitions were first seen in another order.
        first: the first one that is respelled or stands elsewhere; 0 when there is none.
    """

    spellings: tuple[bytes, ...] = ()
    respelled: int = 0
    reordered: bool = False
    first: int = 0


AS_FIRST_SEEN = Arrangement()
"""Nothing differs from what was seen before, or nothing can be told."""


class Arrangements:
    """The spellings and orders that were seen first, by task; bounded, of this process alone."""

    def __init__(self) -> None:
        self._spelled: Memo[int, bytes] = Memo(_SPELLINGS_BYTES)
        self._meanings: Memo[tuple[int, bytes], int] = Memo(_LISTS)
        self._ordered: Memo[int, tuple[int, ...]] = Memo(_LISTS)
        self._decided: Memo[int, Arrangement] = Memo(_LISTS)

    def __eq__(self, other: object) -> bool:
        """They are not part of what is stored, so they do not set evidence apart."""
        return isinstance(other, Arrangements)

    def __hash__(self) -> int:
        return id(self)

    def observe(self, task: str, view: View) -> None:
        """Take in a request's tools and schema; the cost is that of what was not seen before."""
        seed = _seed(task)
        count = tool_count(view)
        if count and self._decided.get(key := _tools_key(seed, view, count)) is None:
            tools = [(segment.digest, view.span(segment)) for segment in view.segments[:count]]
            self._decided.put(key, self._decide(seed, [(known, view.raw[start:end]) for known, (start, end) in tools]))
        schema = output_schema(view)
        if schema is not None and self._decided.get(key := _schema_key(seed, schema)) is None:
            self._decided.put(key, self._decide(seed ^ _OF_SCHEMAS, [(key.to_bytes(8, "big"), schema)]))

    def tools(self, task: str, view: View) -> Arrangement:
        """What a request's tools show; `AS_FIRST_SEEN` for tools that were not observed."""
        count = tool_count(view)
        known = self._decided.get(_tools_key(_seed(task), view, count)) if count else None
        return AS_FIRST_SEEN if known is None else known

    def schema(self, task: str, view: View) -> Arrangement:
        """What a request's output schema shows; `AS_FIRST_SEEN` without one."""
        schema = output_schema(view)
        known = None if schema is None else self._decided.get(_schema_key(_seed(task), schema))
        return AS_FIRST_SEEN if known is None else known

    def _decide(self, seed: int, definitions: Sequence[tuple[bytes, bytes]]) -> Arrangement:
        """What some definitions show, each given with a digest of its spelling."""
        keys: list[int] = []
        first_seen: list[bytes] = []
        for digest, definition in definitions:
            key = self._meant(seed, digest, definition)
            if key is None:
                return AS_FIRST_SEEN
            spelling = self._spelled.get(key)
            if spelling is None:
                spelling = definition
                self._spelled.put(key, definition, len(definition))
            keys.append(key)
            first_seen.append(spelling)
        pairs = zip(definitions, first_seen, strict=True)
        others = [index for index, (given, first) in enumerate(pairs) if given[1] != first]
        group = xxh3_64_intdigest(b"".join(key.to_bytes(8, "big") for key in sorted(keys)), seed)
        order = self._ordered.get(group)
        if order is None:
            order = tuple(keys)
            self._ordered.put(group, order)
        moved = [index for index, pair in enumerate(zip(keys, order, strict=True)) if pair[0] != pair[1]]
        if not others and not moved:
            return AS_FIRST_SEEN
        return Arrangement(
            spellings=tuple(first_seen) if others else (),
            respelled=len(others),
            reordered=bool(moved),
            first=min((*others, *moved)),
        )

    def _meant(self, seed: int, digest: bytes, definition: bytes) -> int | None:
        """The key of what a definition means; a spelling that was seen before is not read again."""
        known = self._meanings.get((seed, digest))
        if known is None:
            known = _meaning(seed, definition)
            if known is not None:
                self._meanings.put((seed, digest), known)
        return known


def tool_count(view: View) -> int:
    """How many tool definitions a prompt begins with."""
    return view.outline.tally.tools


def output_schema(view: View) -> bytes | None:
    """The output schema where it is part of the prefix (provider-semantics 2.2, rule 7): OpenAI's."""
    if view.dialect.provider != "openai" or (view.lacks("response_format") and view.lacks("text")):
        return None
    return view.response_schema()


def _meaning(seed: int, definition: bytes) -> int | None:
    """Equal for definitions that decode to the same; None for what readers may decode in different ways."""
    try:
        value = json.loads(definition, object_pairs_hook=_object)
        return xxh3_64_intdigest(json.dumps(value, sort_keys=True).encode(), seed)
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _tools_key(seed: int, view: View, count: int) -> int:
    return seed ^ int.from_bytes(view.segments[count - 1].prefix[:8], "big")


def _schema_key(seed: int, schema: bytes) -> int:
    return xxh3_64_intdigest(schema, seed ^ _OF_SCHEMAS)


@lru_cache(maxsize=1024)
def _seed(task: str) -> int:
    return xxh3_64_intdigest(task.encode("utf-8", "surrogatepass"))
