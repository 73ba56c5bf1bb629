"""Token counts per segment, remembered with a prompt's outline so that a longer prompt costs only what is new."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from penstock.wire.estimate import estimate_tokens
from penstock.wire.outline import Outline
from penstock.wire.segments import Segment

Counts = tuple[int, ...]


class Counted(NamedTuple):
    """A prompt's tokens.

    Attributes:
        tokens: of each segment.
        ends: up to the end of each segment.
    """

    tokens: Counts
    ends: Counts

    @property
    def total(self) -> int:
        """Of the whole prompt."""
        return self.ends[-1] if self.ends else 0


_NOTHING = Counted((), ())


@lru_cache(maxsize=1024)
def _key(family: str, factor: float) -> Hashable:
    """The name of a summary, one object for all the prompts that have it."""
    return "tokens", family, factor


def counted(outline: Outline, family: str, factor: float) -> Counted:
    """Tokens of each segment: the family's estimate times ``factor``, rounded, at least 1.

    Args:
        outline: of a prompt.
        family: the tokenizer family.
        factor: the model's calibration.
    """
    key = _key(family, factor)
    known: Counted | None = outline.remembered(key)
    if known is not None:
        return known

    def step(before: Counted, segments: Sequence[Segment]) -> Counted:
        fresh = [max(1, round(estimate_tokens(one, family) * factor)) for one in segments]
        ends = accumulate(fresh, initial=before.total)
        next(ends)
        return Counted((*before.tokens, *fresh), (*before.ends, *ends))

    return outline.fold(key, step, _NOTHING)
