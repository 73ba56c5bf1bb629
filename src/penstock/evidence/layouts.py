"""How each text of a prompt is laid out, decided when the text is first seen and never again.

A conversation sends its texts again with every turn. Because a text's layout is fixed at its first sight, whatever is
learnt later, no turn is laid out otherwise than the turn before. Texts are known by their digests; of none is more kept
than a few varying lines for a while (`evidence.template`), and nothing is stored: every process learns its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
from xxhash import xxh3_64_intdigest

from penstock.evidence.heads import SMALLEST, Heads, places_of
from penstock.evidence.template import Named, Template, lines_of
from penstock.wire.memo import Memo
from penstock.wire.segments import Level, Segment
from penstock.wire.view import View

_TEXTS, _TEMPLATES, _PROMPTS = 20_000, 1_000, 10_000
_ROLES = frozenset({"system", "developer", "user"})
_QUOTE = ord('"')


class Layout(msgspec.Struct, frozen=True):
    """Offsets into a JSON text, without its quotes.

    Attributes:
        cuts: where it may be cut so that its beginning is one that other texts share, in order.
        varying: half-open spans of whole lines that vary above static ones; empty when there are none.
        named: what varies in them, and where; empty while that is not told yet.
    """

    cuts: tuple[int, ...] = ()
    varying: tuple[tuple[int, int], ...] = ()
    named: tuple[Named, ...] = ()


Laid = tuple[tuple[int, Layout], ...]
"""Position of a text among a prompt's segments, and its layout."""

WHOLE = Layout()
"""The layout of a text that is left as it is."""


def texts_of(view: View) -> Iterator[Segment]:
    """The texts that are worth a layout: long ones of the system prompt and of users."""
    segments = view.segments
    return (segments[position] for position in _positions(view))


def _positions(view: View) -> tuple[int, ...]:
    return view.outline.fold("texts", _found, _NONE_FOUND)[1]


_Found = tuple[int, tuple[int, ...]]
_NONE_FOUND: _Found = (0, ())


def _found(before: _Found, segments: Sequence[Segment]) -> _Found:
    start, found = before
    new = [
        position
        for position, segment in enumerate(segments, start)
        if segment.kind == "text" and segment.size >= SMALLEST and segment.role in _ROLES and segment.markable
    ]
    return start + len(segments), (*found, *new)


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
        self._prompts: Memo[tuple[int, bytes], Laid] = Memo(_PROMPTS)
        self._heads = Heads()
        self._templates: OrderedDict[tuple[int, int, tuple[str | int, ...]], Template] = OrderedDict()

    def __eq__(self, other: object) -> bool:
        """Layouts are not part of what is stored, so they do not set evidence apart."""
        return isinstance(other, Layouts)

    def __hash__(self) -> int:
        return id(self)

    def observe(self, task: str, view: View) -> None:
        """Decide the layout of every text of a request that was not seen before, and learn from it.

        A prompt that begins like an earlier one is laid out like it so far; the cost is that of its new texts.
        """
        seed, segments = _seed(task), view.segments
        positions = _positions(view)
        known, laid = self._longest_known(seed, segments, positions)
        for number in range(known, len(positions)):
            position = positions[number]
            segment = segments[position]
            key = _key(seed, segment)
            layout = self._decided.get(key)
            if layout is None:
                layout = self._decided[key] = self._decide(seed, view, segment)
            else:
                self._decided.move_to_end(key)
            if layout is not WHOLE:
                laid = (*laid, (position, layout))
            if number >= len(positions) - 2:  # the next turn goes on from here, a sibling from before the last text
                self._prompts.put((seed, segment.prefix), laid, 1 + len(laid))
        while len(self._decided) > _TEXTS:
            self._decided.popitem(last=False)

    def laid(self, task: str, view: View) -> Laid:
        """The texts of a request that are not left as they are, and their layouts."""
        seed, segments = _seed(task), view.segments
        positions = _positions(view)
        known, laid = self._longest_known(seed, segments, positions)
        rest = [(position, self.of(task, segments[position])) for position in positions[known:]]
        return (*laid, *[pair for pair in rest if pair[1] is not WHOLE]) if rest else laid

    def _longest_known(self, seed: int, segments: Sequence[Segment], positions: Sequence[int]) -> tuple[int, Laid]:
        """How many texts of a prompt were laid out with an earlier one that begins like it, and how."""
        for number in range(len(positions), 0, -1):
            laid = self._prompts.get((seed, segments[positions[number - 1]].prefix))
            if laid is not None:
                return number, laid
        return 0, ()

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
        named = template.named(text, varying)
        return Layout(cuts, varying, named) if cuts or varying else WHOLE

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
