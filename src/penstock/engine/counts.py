"""Token counts per segment, remembered so that a longer prompt costs only what is new in it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from penstock.wire.estimate import estimate_tokens
from penstock.wire.segments import Segment

Counts = tuple[int, ...]
_Key = tuple[bytes, str, float]


class CountMemo:
    """Corrected token estimates of prompts seen lately, found again by the digest of a prefix.

    Each prompt is kept once, under the digest of its whole prefix; a prompt that extends it takes its place. At most
    ``limit`` prompts are kept, the least lately used go first.
    """

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._known: OrderedDict[_Key, Counts] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, segments: Sequence[Segment], family: str, factor: float) -> Counts:
        """Tokens of each segment: the family's estimate times ``factor``, rounded, at least 1.

        Args:
            segments: of one prompt, in render order.
            family: the tokenizer family.
            factor: the model's calibration.
        """
        if not segments:
            return ()
        known, start = self._longest_known(segments, family, factor)
        fresh = tuple(max(1, round(estimate_tokens(one, family) * factor)) for one in segments[start:])
        counts = known + fresh if fresh else known
        self._known[(segments[-1].prefix, family, factor)] = counts
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return counts

    def _longest_known(self, segments: Sequence[Segment], family: str, factor: float) -> tuple[Counts, int]:
        if not self._known:
            return (), 0
        for index in range(len(segments) - 1, -1, -1):
            found = self._known.pop((segments[index].prefix, family, factor), None)
            if found is not None:
                return found, index + 1
        return (), 0
