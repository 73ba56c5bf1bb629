"""Where the prompts of a task first differ, seen in a sample of their bodies."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.audit.samples import Body
from penstock.errors import MalformedRequest
from penstock.evidence.variation import Span, varying_spans
from penstock.wire.segments import Level, Segment
from penstock.wire.view import View, read_request

FEWEST = 3
"""Different bodies from which a difference can be told from a coincidence."""

TOOL_ORDER = "tool order"


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """The first segment that is not the same in all prompts of a sample.

    Attributes:
        depth: segments before it.
        level: tools, system or messages.
        role: of its message.
        text: the segment's text in the reference body; JSON for a tool.
        offset: byte offset of the text in the reference body.
        spans: what varies in it, in characters of ``text``; empty for `TOOL_ORDER`.
        kind: of the first span, or `TOOL_ORDER`.
        static_inside: characters of ``text`` after the first span that do not vary.
        same_after: how many of the following segments are the same in all prompts.
        bodies: bodies compared.
    """

    depth: int
    level: Level
    role: str
    text: str
    offset: int
    spans: tuple[Span, ...]
    kind: str
    static_inside: int
    same_after: int
    bodies: int


def first_difference(bodies: Sequence[Body]) -> Slot | None:
    """The slot at which the bodies part, or None when they do not, or when too few can be read."""
    views = [view for view in map(_view, bodies) if view is not None and view.segments]
    views = _alike(views)
    if len(views) < FEWEST:
        return None
    segments = [view.segments for view in views]
    shortest = min(map(len, segments))
    depth = next((d for d in range(shortest) if len({s[d].digest for s in segments}) > 1), None)
    if depth is None or len({(s[depth].level, s[depth].kind, s[depth].role) for s in segments}) > 1:
        return None
    reference = segments[0][depth]
    after = [d for d in range(depth + 1, shortest) if len({s[d].digest for s in segments}) == 1]
    if reference.level is Level.TOOLS and _reordered(segments):
        return _slot(views, depth, spans=(), kind=TOOL_ORDER, same_after=len(after))
    texts = [_text(view, view.segments[depth]) for view in views]
    spans = tuple(varying_spans(texts))
    return _slot(views, depth, spans=spans, kind=spans[0].kind, same_after=len(after)) if spans else None


def _slot(views: Sequence[View], depth: int, *, spans: tuple[Span, ...], kind: str, same_after: int) -> Slot:
    view = views[0]
    segment = view.segments[depth]
    text = _text(view, segment)
    varying = sum(span.end - span.start for span in spans)
    return Slot(
        depth=depth,
        level=segment.level,
        role=segment.role,
        text=text,
        offset=view.span(segment)[0],
        spans=spans,
        kind=kind,
        static_inside=len(text) - spans[0].start - varying if spans else 0,
        same_after=same_after,
        bodies=len(views),
    )


def _alike(views: list[View]) -> list[View]:
    """The views whose first segment is of the commonest kind: one label may stand for prompts of several shapes."""
    shapes: dict[tuple[str, str, str], list[View]] = {}
    for view in views:
        first = view.segments[0]
        shapes.setdefault((first.level, first.kind, first.role), []).append(view)
    return max(shapes.values(), key=len, default=[])


def _reordered(segments: Sequence[Sequence[Segment]]) -> bool:
    """Whether all prompts have the same tools in different orders."""
    tools = [[s.digest for s in each if s.level is Level.TOOLS] for each in segments]
    return len({tuple(sorted(each)) for each in tools}) == 1 and len({tuple(each) for each in tools}) > 1


def _view(body: Body) -> View | None:
    try:
        return read_request(*body)
    except MalformedRequest:
        return None


def _text(view: View, segment: Segment) -> str:
    value = view.get(*segment.path)
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        value = value["text"]
    if isinstance(value, str):
        return value
    start, end = view.span(segment)
    return view.raw[start:end].decode("utf-8", "replace")
