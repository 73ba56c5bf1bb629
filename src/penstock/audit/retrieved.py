"""How much of a request is retrieved text: document blocks, and text in elements or numbered pieces."""

from __future__ import annotations

import re

from penstock.wire.segments import Level
from penstock.wire.view import View

_PIECES = re.compile(
    r"<(document|doc|passage|chunk|context|source|search_result|snippet|excerpt)s?\b[^>]*>.*?</\1s?>"
    r"|^(?:\[\d{1,3}\]|(?:document|passage|chunk|source|excerpt|context)\s+\d{1,3}\s*[:.)-])[ \t\S\n]*?"
    r"(?=^(?:\[\d{1,3}\]|(?:document|passage|chunk|source|excerpt|context)\s+\d{1,3}\s*[:.)-])|\n\s*\n\s*(?:question|query|"
    r"user|task|instructions?)\b|\Z)",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_LEAST_PIECES = 2  # one numbered line is an enumeration, not retrieval
_LEAST_SIZE = 4_000  # bytes; a shorter segment holds no 4,000 tokens whatever it is


def retrieved_shares(view: View) -> list[float]:
    """For each segment, the share of its text that is retrieved: 1 for a document, 0 for plain talk."""
    shares = []
    for segment in view.segments:
        if segment.level is not Level.MESSAGES or segment.role == "assistant" or segment.kind == "tool_result":
            shares.append(0.0)
        elif segment.kind == "document":
            shares.append(1.0)
        elif segment.kind == "text" and segment.size >= _LEAST_SIZE:
            shares.append(_share(view.get(*segment.path)))
        else:
            shares.append(0.0)
    return shares


def _share(value: object) -> float:
    text = value.get("text") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text:
        return 0.0
    sizes = [match.end() - match.start() for match in _PIECES.finditer(text)]
    return sum(sizes) / len(text) if len(sizes) >= _LEAST_PIECES else 0.0
