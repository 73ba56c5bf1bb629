"""How much of a request is retrieved text, as the trim lever sees it: runs of chunks in the user's messages."""

from __future__ import annotations

from penstock.levers.trim.chunks import find_chunks
from penstock.wire.segments import Segment
from penstock.wire.view import View

_LEAST_SIZE = 400  # bytes; shorter texts are not looked into


def retrieved_shares(view: View) -> list[float]:
    """For each segment, the share of its text that is retrieved: 1 for a search result, 0 for plain talk."""
    return [_share(view, segment) if segment.role == "user" else 0.0 for segment in view.segments]


def _share(view: View, segment: Segment) -> float:
    if segment.kind == "document":
        return float(view.get(*segment.path, "type") == "search_result")
    if segment.kind != "text" or segment.size < _LEAST_SIZE:
        return 0.0
    value = view.get(*segment.path)
    text = value.get("text") if isinstance(value, dict) else value
    if not isinstance(text, str):
        return 0.0
    chunks = find_chunks(text)
    if chunks:
        return sum(chunk.end - chunk.start for chunk in chunks) / len(text)
    # A part that is nothing but one chunk: twice, so that one element is a run of two.
    return float(text.lstrip().startswith("<") and bool(find_chunks(text + text)))
