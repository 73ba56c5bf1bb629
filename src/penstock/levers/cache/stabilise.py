"""Makes prefixes that calls share end where a marker can stand (traps T6, T7).

exact       one text becomes several parts where its static beginning ends; read together they are the same text
equivalent  tools in the order of their names; tools and output schemas spelled (key order, white space) as the task
            spelled them first (``stabilise = true``)
equivalent  the varying lines of the system prompt go below the static ones, word for word (``move_static_up = true``
            as well)

Tools are ordered by the request alone, spellings and a text's layout are fixed when they are first seen
(`evidence.arrangement`, `evidence.layouts`), so no turn of a conversation moves the prefix of the turn before. What is
not permitted is said with the kind of what varies, where it stands, and what it costs a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from penstock.engine.counts import counted
from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import Facts
from penstock.evidence.arrangement import AS_FIRST_SEEN, Arrangement, output_schema, tool_count
from penstock.evidence.layouts import Layout, text_span
from penstock.evidence.template import Named, lines_of
from penstock.models.profile import Profile, Regime
from penstock.money import Picodollars, format_usd
from penstock.unknown import Unknown
from penstock.wire.body import Operation
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Path, Segment
from penstock.wire.view import View

LEVER = "cache"
_SCHEMAS: dict[Dialect, Path] = {
    Dialect.OPENAI_CHAT: ("response_format", "json_schema", "schema"),
    Dialect.OPENAI_RESPONSES: ("text", "format", "schema"),
}
_SHOWN = 3  # varying spans that a line lists


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """Parts, order and places that let a shared prefix be cached; nothing where the client marks its own prefixes.

    Where writing costs nothing only what the task permits is looked for.
    """
    profile = facts.profile
    if isinstance(profile, Unknown) or profile.regime is Regime.NONE or not facts.policy.cache.enabled:
        return []
    if not profile.charges_writes and not facts.policy.cache.stabilise:
        return []
    if _marked_by_client(view):
        return []
    return [*_tools(view, facts), *_schema(view, facts), *_texts(view, facts, profile)]


def _marked_by_client(view: View) -> bool:
    """Whether the client decides by itself what is cached; new blocks would move the entries that it counts on."""
    if view.automatic_marker is not None or view.get("prompt_cache_options") is not None:
        return True
    return bool(view.outline.marked)


def _tools(view: View, facts: Facts) -> list[Edit] | list[Note]:
    count = tool_count(view)
    if not count:
        return []
    permitted, seen = facts.policy.cache.stabilise, facts.evidence.arrangements.tools(facts.task, view)
    if not permitted and seen is AS_FIRST_SEEN:
        return []
    tools, names = view.segments[:count], view.tool_names()
    if any(segment.path[0] != "tools" or segment.kind != "tool" for segment in tools) or len(names) != count:
        return []
    if not permitted:
        return _arranged(seen, f"{count:,} tools", view.span(tools[seen.first]), facts)
    as_sent = list(range(count))
    order = as_sent
    if len(set(names)) == count and all(names):
        order = sorted(as_sent, key=lambda index: names[index])
    if order == as_sent and not seen.respelled:
        return []
    spelled = seen.spellings or [view.raw[start:end] for start, end in map(view.span, tools)]
    return [
        Edit(
            lever=LEVER,
            path=("tools",),
            action=Action.SET,
            value=b"[" + b",".join(spelled[index] for index in order) + b"]",
            why=_tools_why(count, seen.respelled, ordered=order != as_sent),
            saving=Picodollars(0),
            risk=Risk.EQUIVALENT,
        )
    ]


def _tools_why(count: int, respelled: int, *, ordered: bool) -> str:
    parts = ["in the order of their names"] if ordered else []
    if respelled:
        parts.append(f"{respelled} with their keys in the order that the task sent first")
    return f"{count} tools {', '.join(parts)}, so that the same tools are the same prefix"


def _schema(view: View, facts: Facts) -> list[Edit] | list[Note]:
    schema, path = output_schema(view), _SCHEMAS.get(view.dialect)
    if schema is None or path is None:
        return []
    seen = facts.evidence.arrangements.schema(facts.task, view)
    if not seen.respelled:
        return []
    if not facts.policy.cache.stabilise:
        return _arranged(seen, "output schema", view.span_of(path), facts)
    return [
        Edit(
            lever=LEVER,
            path=path,
            action=Action.SET,
            value=seen.spellings[0],
            why="the output schema with its keys in the order that the task sent first",
            saving=Picodollars(0),
            risk=Risk.EQUIVALENT,
        )
    ]


def _arranged(seen: Arrangement, what: str, span: tuple[int, int], facts: Facts) -> list[Note]:
    """What another order or another spelling of the same costs a call: the whole prompt, which begins with it."""
    if not seen.reordered and not seen.respelled:
        return []
    kinds = [kind for kind, varies in (("tool order", seen.reordered), ("JSON key order", seen.respelled)) if varies]
    start, end = span
    tokens = facts.input_tokens
    return [
        Note(
            LEVER,
            f"{' and '.join(kinds)}: the same {what} came otherwise before, the first change at bytes {start:,} to "
            f"{end:,}; about {tokens:,} tokens of prompt cannot be read from a cache, {_lost(tokens, facts)} a call. "
            "stabilise permits one order",
        )
    ]


def _lost(tokens: int, facts: Facts) -> str:
    """What it costs that tokens are not read from a cache."""
    prices = facts.prices
    if isinstance(prices, Unknown) or isinstance(prices.input, Unknown) or isinstance(prices.cache_read, Unknown):
        return "an unknown price"
    return format_usd(Picodollars(tokens * (prices.input - prices.cache_read)))


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
        if not profile.charges_writes:
            continue  # where nothing is marked a shorter part gains nothing
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
    what = f"{_kinds(layout.named)}: " if layout.named else ""
    why = f"{what}{len(layout.varying)} varying lines ({size:,} bytes) go below {len(kept):,} bytes that never change"
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
    """What varies in a system prompt and where, and what it costs a call that what follows in its text is not read."""
    start, end = layout.varying[0]
    behind = tokens * (size - end) // max(1, size)
    what = f"{len(layout.varying)} lines of the system prompt vary, the first at bytes {start:,} to {end:,} of {size:,}"
    if layout.named:
        places = [f"{one.kind} at bytes {one.start:,} to {one.end:,}" for one in layout.named[:_SHOWN]]
        more = f" and {len(layout.named) - _SHOWN} more" if len(layout.named) > _SHOWN else ""
        what = f"the system prompt varies: {', '.join(places)}{more}, of {size:,}"
    return Note(
        LEVER,
        f"{what}; about {behind:,} tokens behind it cannot be read from a cache, {_lost(behind, facts)} a call. "
        "stabilise and move_static_up permit moving such lines below",
    )


def _kinds(named: Sequence[Named]) -> str:
    """The kinds of what varies, each once: ``clock and path``."""
    return " and ".join(dict.fromkeys(one.kind for one in named))


def _blank(piece: bytes) -> bool:
    """Providers refuse a text part without anything but white space."""
    try:
        return not msgspec.json.decode(b'"' + piece + b'"', type=str).strip()
    except msgspec.MsgspecError:
        return True
