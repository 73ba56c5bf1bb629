"""Makes prefixes that calls share end where a marker can stand (traps T6, T7).

exact       one text becomes several parts where its static beginning ends; read together they are the same text
equivalent  tools in the order of their names (``stabilise = true``)
equivalent  the varying lines of the system prompt go below the static ones, word for word (``move_static_up = true``
            as well)

Tools are ordered by the request alone, and a text's layout is fixed when it is first seen (`evidence.layouts`), so no
turn of a conversation moves the prefix of the turn before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from penstock.engine.counts import counted
from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts
from penstock.evidence.layouts import Layout, text_span
from penstock.evidence.template import lines_of
from penstock.models.profile import Profile
from penstock.money import Picodollars, format_usd
from penstock.unknown import Unknown
from penstock.wire.body import Operation
from penstock.wire.segments import Level, Segment
from penstock.wire.view import View

LEVER = "cache"


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """Parts, order and places that let a shared prefix be cached; nothing where the client marks its own prefixes."""
    profile = facts.profile
    if isinstance(profile, Unknown) or not profile.charges_writes or not facts.policy.cache.enabled:
        return []
    if _marked_by_client(view):
        return []
    return [*_tools(view, facts), *_texts(view, facts, profile)]


def _marked_by_client(view: View) -> bool:
    """Whether the client decides by itself what is cached; new blocks would move the entries that it counts on."""
    if view.automatic_marker is not None or view.get("prompt_cache_options") is not None:
        return True
    return bool(view.outline.marked)


def _tools(view: View, facts: Facts) -> list[Edit]:
    if not facts.policy.cache.stabilise:
        return []
    tools = [segment for segment in view.segments if segment.level is Level.TOOLS]
    names = view.tool_names()
    plain = all(segment.path[0] == "tools" and segment.kind == "tool" for segment in tools)
    if not plain or len(tools) != len(names) or len(set(names)) != len(names):
        return []
    order = sorted(range(len(names)), key=lambda index: names[index])
    if order == list(range(len(names))) or not all(names):
        return []
    spans = [view.span(tools[index]) for index in order]
    return [
        Edit(
            lever=LEVER,
            path=("tools",),
            action=Action.SET,
            value=b"[" + b",".join(view.raw[start:end] for start, end in spans) + b"]",
            why=f"{len(names)} tools in the order of their names, so that the same tools are the same prefix",
            saving=Picodollars(0),
            risk=Risk.EQUIVALENT,
        )
    ]


def _texts(view: View, facts: Facts, profile: Profile) -> list[Edit | Note]:
    if isinstance(profile.minimum_prefix, Unknown):
        return []
    found: list[Edit | Note] = []
    for position, layout in facts.evidence.layouts.laid(facts.task, view):
        segment = view.segments[position]
        if not _plain(view, segment):
            continue
        # not calibrated, so that sizes are the same for the same text always
        tokens, ends = counted(view.outline, profile.tokenizer, 1.0)
        before, own = ends[position] - tokens[position], tokens[position]
        start, end = text_span(view, segment)
        text = view.raw[start:end]
        if layout.varying and before + own >= profile.minimum_prefix:
            if facts.policy.cache.move_static_up and facts.policy.cache.stabilise:
                found += _moved(view, segment, text, layout)
                continue
            found.append(_note(layout, len(text), own, facts))
        per_byte = own / max(1, len(text))
        cuts = [cut for cut in layout.cuts if before + cut * per_byte >= profile.minimum_prefix]
        found += _split(view, segment, text, cuts)
    return found


def _plain(view: View, segment: Segment) -> bool:
    """Whether a text has no members beside its type and its text, which would belong to all of its parts."""
    value = view.get(*segment.path)
    return isinstance(value, str) or (isinstance(value, dict) and value.keys() == {"type", "text"})


def _split(view: View, segment: Segment, text: bytes, cuts: Sequence[int]) -> list[Edit]:
    pieces = [text[start:end] for start, end in pairwise((0, *cuts, len(text)))]
    if len(pieces) == 1 or any(_blank(piece) for piece in pieces):
        return []
    why = f"one text in {len(pieces)} parts: other calls of the task share its first {cuts[-1]:,} bytes"
    return _edits(segment, view.parted(segment, pieces), why, Risk.EXACT)


def _moved(view: View, segment: Segment, text: bytes, layout: Layout) -> list[Edit]:
    lines = [(line.start, line.end) for line in lines_of(text)]
    kept = rb"\n".join(text[start:end] for start, end in lines if (start, end) not in layout.varying)
    varying = rb"\n" + rb"\n".join(text[start:end] for start, end in layout.varying)
    if _blank(kept) or _blank(varying):
        return []
    size = sum(end - start for start, end in layout.varying)
    why = f"{len(layout.varying)} varying lines ({size:,} bytes) go below {len(kept):,} bytes that never change"
    return _edits(segment, view.parted(segment, (kept, varying), last=True), why, Risk.EQUIVALENT)


def _edits(segment: Segment, operations: Sequence[Operation], why: str, risk: Risk) -> list[Edit]:
    group = "/".join(("text", *map(str, segment.path)))
    return [
        Edit(
            lever=LEVER,
            path=operation.path,
            action=Action(operation.action),
            value=operation.value,
            why=why,
            saving=Picodollars(0),
            risk=risk,
            group=group,
        )
        for operation in operations
    ]


def _note(layout: Layout, size: int, tokens: int, facts: Facts) -> Note:
    """Where the first varying line stands, and what it costs a call that what follows in its text is not read."""
    start, end = layout.varying[0]
    behind = tokens * (size - end) // max(1, size)
    prices = facts.prices
    lost = "an unknown price"
    if not isinstance(prices, Unknown) and isinstance(prices.input, int) and isinstance(prices.cache_read, int):
        lost = format_usd(Picodollars(behind * (prices.input - prices.cache_read)))
    return Note(
        LEVER,
        f"{len(layout.varying)} lines of the system prompt vary, the first at bytes {start:,} to {end:,} of {size:,}; "
        f"about {behind:,} tokens behind it cannot be read from a cache, {lost} a call. stabilise and move_static_up "
        "permit moving them below",
    )


def _blank(piece: bytes) -> bool:
    """Providers refuse a text part without anything but white space."""
    try:
        return not msgspec.json.decode(b'"' + piece + b'"', type=str).strip()
    except msgspec.MsgspecError:
        return True
