"""Token counts before the provider has told them: cheap, and calibrated by whoever knows better.

Nothing is tokenised. A count is bytes over a ratio of the tokenizer's family; a known total is then shared out over
the parts by their estimates, so errors of the ratio cancel and only the relative sizes matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.wire.segments import Segment

BYTES_PER_TOKEN: Mapping[str, float] = {
    "claude": 3.8,
    "claude-4.7": 2.9,  # about 30% more tokens for the same text (provider-semantics 1.7)
    "o200k": 4.3,
    "cl100k": 4.1,
}
"""Bytes of English text per token, by tokenizer family."""
DEFAULT_BYTES_PER_TOKEN = 3.8

_DENSITY: Mapping[str, float] = {"tool": 1.15, "tool_use": 1.15, "tool_result": 1.1}
"""JSON has more tokens per byte than prose."""
IMAGE_TOKENS = 1300.0
"""An image of about a megapixel (provider-semantics 1.7); its bytes say nothing about its tokens (trap T23)."""
FRAMING_TOKENS = 3.0
"""What a message or a definition costs beside its content."""

_BASE64_BYTES_PER_PAGE = 80_000
_PAGE_TOKENS = 2_000.0
_BASE64_BYTES_PER_SECOND = 21_000
_SECOND_TOKENS = 10.0


def estimate_tokens(segment: Segment, family: str) -> float:
    """Tokens of a segment under a tokenizer family; an unknown family gets the default ratio.

    Images count as images, documents by the page and audio by the second, whatever they are encoded in.
    """
    text = estimate_bytes(segment.size, family) * _DENSITY.get(segment.kind, 1.0)
    return text + FRAMING_TOKENS + segment.images * IMAGE_TOKENS + _attachments(segment)


def _attachments(segment: Segment) -> float:
    if not segment.attached or segment.images:
        return 0.0
    if segment.kind == "audio":
        return max(1.0, segment.attached / _BASE64_BYTES_PER_SECOND) * _SECOND_TOKENS
    return max(1.0, segment.attached / _BASE64_BYTES_PER_PAGE) * _PAGE_TOKENS


def estimate_bytes(size: int, family: str) -> float:
    """Tokens of so many bytes of text under a tokenizer family."""
    return size / BYTES_PER_TOKEN.get(family, DEFAULT_BYTES_PER_TOKEN)


def share_out(total: int, weights: Sequence[float]) -> list[int]:
    """A total divided in proportion to weights: whole numbers that sum to it exactly, largest remainders first.

    Weights that are all zero count as equal.

    Raises:
        ValueError: when the total or a weight is negative, or there is a total but nothing to share it over.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("a total and its weights cannot be negative")
    if not weights:
        if total:
            raise ValueError("no weights to share a total over")
        return []
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights] if whole else [total / len(weights)] * len(weights)
    shares = [min(int(part), total) for part in exact]
    missing = total - sum(shares)
    order = sorted(range(len(shares)), key=lambda index: (shares[index] - exact[index], index))
    for step in range(abs(missing)):
        index = order[step % len(order)] if missing > 0 else order[-1 - step % len(order)]
        shares[index] += 1 if missing > 0 else -1
    return shares
