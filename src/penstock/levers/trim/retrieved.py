"""Retrieved text held to top-K chunks and a cap of tokens, message by message.

Each message is held by itself and always in the same way, so that a message that has gone into a conversation's history
never changes again. Chunks go whole, the ones that stay keep their order (T25), and a mark says how many went (T24).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from penstock.engine.edit import Action, Edit, Note, Risk
from penstock.engine.facts import UNKNOWN_FAMILY, Facts
from penstock.levers.trim.chunks import Chunk, find_chunks, kept_of
from penstock.money import Picodollars
from penstock.policy.schema import TrimPolicy
from penstock.unknown import Unknown
from penstock.wire.estimate import estimate_bytes
from penstock.wire.segments import Path, Segment
from penstock.wire.view import View

LEVER = "trim"


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """Edits that leave out retrieved chunks beyond the task's caps; none for tasks marked long-context."""
    policy = facts.policy.trim
    if policy is None or not policy.enabled or policy.long_context:
        return []
    newest = max((one.message for one in view.segments if one.role == "user"), default=-1)
    proposals: list[Edit | Note] = []
    texts: dict[int, list[Segment]] = {}
    for segment in view.segments:
        if segment.role == "user" and segment.kind in ("text", "document"):
            texts.setdefault(segment.message, []).append(segment)
    for message, segments in texts.items():
        rate = _rate(facts, newest=message == newest)
        proposals += _parts(view, facts, policy, segments, rate)
        for segment in segments:
            if segment.kind == "text":
                proposals += _text(view, facts, policy, segment, rate)
    return proposals


def _text(view: View, facts: Facts, policy: TrimPolicy, segment: Segment, rate: int | Unknown) -> Iterator[Edit]:
    """The edit that leaves out chunks inside one text."""
    if policy.top_k is None and _tokens(segment.size, facts) <= policy.retrieved_tokens:
        return
    path, text = _text_at(view, segment)
    chunks = find_chunks(text, policy.retrieved_tag) if text else []
    if not chunks:
        return
    contents = [text[chunk.start : chunk.end] for chunk in chunks]
    sizes = [_tokens(len(content.encode("utf-8", "surrogatepass")), facts) for content in contents]
    chosen = kept_of(contents, sizes, policy.retrieved_tokens, policy.top_k)
    kept = [keep or not chunk.may_go for keep, chunk in zip(chosen, chunks, strict=True)]
    if all(kept):
        return
    removed = sum(size for size, keep in zip(sizes, kept, strict=True) if not keep)
    yield Edit(
        lever=LEVER,
        path=path,
        action=Action.SET,
        value=_encoded(_joined(text, chunks, kept), view.raw[slice(*view.span_of(path))]),
        why=_why(kept.count(False), len(kept), removed, policy),
        saving=_saved(removed, rate),
        risk=Risk.LOSSY,
    )


def _parts(
    view: View, facts: Facts, policy: TrimPolicy, segments: list[Segment], rate: int | Unknown
) -> Iterator[Edit]:
    """The edits that leave out parts of a message of which each is one retrieved chunk; marked parts stay."""
    found = [(segment, content) for segment in segments if (content := _whole_chunk(view, policy, segment)) is not None]
    if len(found) < 2:  # noqa: PLR2004 - one chunk alone always stays
        return
    sizes = [_tokens(segment.size, facts) for segment, _ in found]
    chosen = kept_of([content for _, content in found], sizes, policy.retrieved_tokens, policy.top_k)
    gone = [
        (segment, size)
        for (segment, _), size, keep in zip(found, sizes, chosen, strict=True)
        if not keep and segment.marker is None
    ]
    if not gone:
        return
    removed = sum(size for _, size in gone)
    why = _why(len(gone), len(found), removed, policy)
    mark = msgspec.json.encode({"type": _part_type(view, gone[0][0]), "text": f"[{_count(len(gone))} left out]"})
    inserted = Edit(
        lever=LEVER,
        path=gone[-1][0].path,
        action=Action.INSERT,
        value=mark,
        why=why,
        saving=_saved(removed, rate),
        risk=Risk.LOSSY,
        group=f"chunks of message {gone[0][0].message}",
    )
    yield inserted
    for segment, _ in gone:
        yield msgspec.structs.replace(
            inserted, path=segment.path, action=Action.DELETE, value=b"", saving=Picodollars(0)
        )


def _whole_chunk(view: View, policy: TrimPolicy, segment: Segment) -> str | None:
    """The content of a part that is nothing but one retrieved chunk, or None."""
    start, end = view.span(segment)
    if view.raw[start : start + 1] != b"{":
        return None
    if segment.kind == "document":
        return view.raw[start:end].decode() if view.get(*segment.path, "type") == "search_result" else None
    _, text = _text_at(view, segment)
    if not text.lstrip().startswith("<"):
        return None
    chunks = find_chunks(f"{text}{text}", policy.retrieved_tag)  # twice, so that one element is a run of two
    alone = bool(chunks) and chunks[0].end - chunks[0].start == len(text.strip())
    return text if alone else None


def _text_at(view: View, segment: Segment) -> tuple[Path, str]:
    """Where a segment's text stands, and the text; empty when it has none."""
    start, _ = view.span(segment)
    path = segment.path if view.raw[start : start + 1] == b'"' else (*segment.path, "text")
    text = view.get(*path)
    return path, text if isinstance(text, str) else ""


def _joined(text: str, chunks: list[Chunk], kept: list[bool]) -> str:
    """The text without the chunks that go, and the mark behind the last one that stays before a gap."""
    pieces: list[str] = []
    position = 0
    marked = False
    for chunk, keep in zip(chunks, kept, strict=True):
        between = text[position : chunk.start]
        pieces.append(between if keep or position == 0 or between.strip() else "")
        if keep:
            pieces.append(text[chunk.start : chunk.end])
        elif not marked:
            marked = True
            pieces.append(f"\n[{_count(kept.count(False))} left out]\n")
        position = chunk.end
    return "".join([*pieces, text[position:]])


def _count(number: int) -> str:
    return f"{number} retrieved passage" + ("" if number == 1 else "s")


def _encoded(text: str, before: bytes) -> bytes:
    """A JSON string in the style of the one that it replaces: with escapes where that had only ASCII."""
    return json.dumps(text, ensure_ascii=before.isascii()).encode()


def _part_type(view: View, segment: Segment) -> str:
    kind = view.get(*segment.path, "type")
    return kind if kind in ("text", "input_text") else "text"


def _tokens(size: int, facts: Facts) -> float:
    family = UNKNOWN_FAMILY if isinstance(facts.profile, Unknown) else facts.profile.tokenizer
    return estimate_bytes(size, family)


def _rate(facts: Facts, *, newest: bool) -> int | Unknown:
    """What a token of a message costs now: plain in the newest, at most a cache read in an earlier one."""
    prices = facts.prices
    if isinstance(prices, Unknown):
        return prices
    return prices.input if newest or isinstance(prices.cache_read, Unknown) else prices.cache_read


def _saved(removed: float, rate: int | Unknown) -> Picodollars | Unknown:
    return rate if isinstance(rate, Unknown) else Picodollars(int(removed * rate))


def _why(gone: int, found: int, removed: float, policy: TrimPolicy) -> str:
    limit = f"{policy.retrieved_tokens:,} tokens"
    if policy.top_k is not None:
        limit = f"{policy.top_k} passages and {limit}"
    return f"{gone} of {found} retrieved passages left out, about {removed:,.0f} tokens: the task is held to {limit}"
