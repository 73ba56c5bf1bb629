"""How each text of a prompt is laid out, decided when the text is first seen and never again.

A conversation sends its texts again with every turn. Because a text's layout is fixed at its first sight, whatever is
learnt later, no turn is laid out otherwise than the turn before. Texts are known by their digests; none is kept, and
nothing of this is stored: every process learns its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache

import msgspec
from xxhash import xxh3_64_intdigest

from penstock.evidence.heads import SMALLEST, Heads, places_of
from penstock.evidence.template import Template, lines_of
from penstock.wire.segments import Level, Segment
from penstock.wire.view import View

_TEXTS, _TEMPLATES = 50_000, 1_000
_ROLES = frozenset({"system", "developer", "user"})
_QUOTE = ord('"')


class Layout(msgspec.Struct, frozen=True):
    """Offsets into a JSON text, without its quotes.

    Attributes:
        cuts: where it may be cut so that its beginning is one that other texts share, in order.
        varying: half-open spans of whole lines that vary above static ones; empty when there are none.
    """

    cuts: tuple[int, ...] = ()
    varying: tuple[tuple[int, int], ...] = ()


WHOLE = Layout()
"""The layout of a text that is left as it is."""


def texts_of(view: View) -> Iterator[Segment]:
    """The texts that are worth a layout: long ones of the system prompt and of users."""
    for segment in view.segments:
        if segment.kind == "text" and segment.size >= SMALLEST and segment.role in _ROLES and segment.markable:
            yield segment


def text_span(view: View, segment: Segment) -> tuple[int, int]:
    """Half-open offsets in the body of a text's JSON string, without its quotes."""
    start, end = view.span(segment)
    if view.raw[start] != _QUOTE:
        start, end = view.span_of((*segment.path, "text"))
    return start + 1, end - 1


class Layouts:
    """The layouts of the texts seen lately, and what they are decided from."""

    def __init__(self) -> None:
        self._decided: OrderedDict[int, Layout] = OrderedDict()
        self._heads = Heads()
        self._templates: OrderedDict[tuple[int, int, tuple[str | int, ...]], Template] = OrderedDict()

    def __eq__(self, other: object) -> bool:
        """Layouts are not part of what is stored, so they do not set evidence apart."""
        return isinstance(other, Layouts)

    def __hash__(self) -> int:
        return id(self)

    def observe(self, task: str, view: View) -> None:
        """Decide the layout of every text of a request that was not seen before, and learn from it."""
        seed = _seed(task)
        for segment in texts_of(view):
            key = _key(seed, segment)
            if key in self._decided:
                self._decided.move_to_end(key)
            else:
                self._decided[key] = self._decide(seed, view, segment)
        while len(self._decided) > _TEXTS:
            self._decided.popitem(last=False)

    def of(self, task: str, segment: Segment) -> Layout:
        """The layout of a text; `WHOLE` for one that was not observed."""
        return self._decided.get(_key(_seed(task), segment), WHOLE)

    def _decide(self, seed: int, view: View, segment: Segment) -> Layout:
        start, end = text_span(view, segment)
        text = view.raw[start:end]
        places = places_of(text, seed ^ xxh3_64_intdigest(segment.role.encode()))
        cuts = self._heads.cuts(places)
        self._heads.add(places)
        if segment.level is not Level.SYSTEM:
            return Layout(cuts) if cuts else WHOLE
        lines = lines_of(text)
        template = self._template(seed, segment)
        varying = template.varying(lines)
        template.add(lines)
        return Layout(cuts, varying) if cuts or varying else WHOLE

    def _template(self, seed: int, segment: Segment) -> Template:
        key = (seed, segment.message, segment.path)
        template = self._templates.setdefault(key, Template())
        self._templates.move_to_end(key)
        if len(self._templates) > _TEMPLATES:
            self._templates.popitem(last=False)
        return template


@lru_cache(maxsize=1024)
def _seed(task: str) -> int:
    return xxh3_64_intdigest(task.encode("utf-8", "surrogatepass"))


def _key(seed: int, segment: Segment) -> int:
    return seed ^ int.from_bytes(segment.digest[:8], "big")
