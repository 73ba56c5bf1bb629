"""The few positions of a prompt where a marker could pay, and what their chances are learnt from."""

from __future__ import annotations

from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

from penstock.evidence.gaps import STAGES
from penstock.evidence.sightings import Chain, Shape, Sighting

HEAD, MATCH, LANDMARK, TAIL = 0, 1, 2, 3
"""Kinds of spot, ``KINDS`` of them; the place before the tail's end is TAIL + 1, and so on."""
KINDS = 4
TAILS = 6
_BACK = 24
"""How far above an unmarkable match a markable place is looked for."""
_CROWD = 3
"""A prefix from which more prompts than this went on is a shared head, not a conversation."""
_TURNS = (1, 2, 3, 5, 9)
"""Ends of the classes of conversation turns, inclusive."""
LAST_STAGE = 2 + len(_TURNS)

PRIOR = {HEAD: 1.0, MATCH: 0.5, LANDMARK: -0.7, TAIL: -0.7}
"""Scores (log odds) to come again within five minutes, before any traffic was seen. In public traces of chat and of
questions about documents 24 to 35 percent of first prompts did, and 40 to 75 percent of prefixes seen twice."""
PUSH = {
    Shape.FIRST: -1.3,
    Shape.FIRST_WITH_TOOLS: 1.2,
    Shape.DIALOGUE: 0.4,
    Shape.DIALOGUE_WITH_TOOLS: 1.8,
    Shape.TOOL_RESULT: 3.2,
}
"""What a prompt's shape adds to that. A prompt that ends in a tool's result is a step of a loop: in public agent
transcripts more than nine of ten are followed by another. A first prompt without tools may be a one-off: of it, nothing
is written before its task has shown that it pays."""


_WITH_TOOLS = (Shape.FIRST_WITH_TOOLS, Shape.DIALOGUE_WITH_TOOLS, Shape.TOOL_RESULT)


class Spot(NamedTuple):
    """A position where a marker could pay, and its kind."""

    position: int
    kind: int


class Question(NamedTuple):
    """A spot whose return is learnt.

    Attributes:
        position: of the spot.
        kind: of the spot.
        features: as numbers.
        group: the few coarse ones of them that the second stage learns from.
        prior: the score before any example.
        stake: tokens that hang on it: up to a shared spot, or the new ones.
    """

    position: int
    kind: int
    features: tuple[int, ...]
    group: tuple[int, ...]
    prior: float
    stake: int


def spots_of(chain: Chain, sighting: Sighting | None) -> list[Spot]:
    """Where prompts are known to part (head, match), where parts of the prompt end, and the ends of the tail."""
    markable = chain.markable
    spots: list[Spot] = []
    match = begin = -1
    if sighting is not None:
        match = begin = sighting.match
        head = sighting.head
        if 0 <= head < match and markable(head):
            spots.append(Spot(head, HEAD))
        for position in range(match, max(match - _BACK, -1), -1):
            if markable(position):
                if not spots or position != head:
                    spots.append(Spot(position, MATCH))
                break
    for position in chain.landmarks:
        if position > begin and markable(position):
            spots.append(Spot(position, LANDMARK))
            begin = position
    ends: list[Spot] = []
    for position in range(len(chain) - 1, begin, -1):
        if markable(position):
            ends.append(Spot(position, TAIL + len(ends)))
            if len(ends) == TAILS:
                break
    ends.reverse()
    return spots + ends


def is_crowd(sighting: Sighting) -> bool:
    """Whether a match is a head that many prompts share, not the end of a conversation's earlier request."""
    return sighting.turn == 0 or sighting.kids > _CROWD


def stage_of(sighting: Sighting | None) -> int:
    """How far a conversation has come, as a small class: 0 new, 1 on a shared head, else by its turn."""
    if sighting is None:
        return 0
    return 1 if is_crowd(sighting) else 2 + bisect_left(_TURNS, sighting.turn)


def next_stage(stage: int) -> int:
    """The class of the request after one of this class, were it to come."""
    if stage == 0:
        return 2
    return 1 if stage == 1 else min(stage + 1, LAST_STAGE)


def gap_class(stage: int, shape: Shape) -> int:
    """The class in ``Gaps`` of a prompt of a stage and shape."""
    if shape is Shape.DIALOGUE:
        return stage + STAGES
    return stage + (2 * STAGES if shape in _WITH_TOOLS else 0)


def questions_of(chain: Chain, sighting: Sighting | None, stage: int) -> tuple[list[Question], list[Spot]]:
    """The spots whose return is learnt each for itself, and the tail's deeper ends.

    Of the tail, only its beginning is asked about: how much deeper a return reaches is a matter of ``Reach``.
    """
    spots = spots_of(chain, sighting)
    match, size = (-1 if sighting is None else sighting.match), chain.upto(len(chain) - 1)
    fresh = size - chain.upto(match)
    shape = chain.shape
    push = PUSH.get(shape, 0.0)
    known = 0 if sighting is None else min(sighting.visits, 4) << 2 | min(sighting.kids, 3)
    gap = 0 if sighting is None else int(sighting.gap / 10.0).bit_length()
    later = stage > 1
    told: tuple[int, ...]
    asked: list[Question] = []
    for index, (position, kind) in enumerate(spots):
        here = chain.upto(position)
        if kind < LANDMARK:
            told = (0, shape, stage, known, gap, here.bit_length())
        elif kind == LANDMARK:
            told = (0, shape, stage, here.bit_length(), 0, 0)
        elif later:
            told = (0, shape, stage, 32 | fresh.bit_length(), 32 | size.bit_length(), _half(size), known, gap)
        else:
            told = (0, shape, stage, fresh.bit_length(), size.bit_length(), _half(size))
        if kind < TAIL:
            features, group = _coded(kind, told)
            asked.append(Question(position, kind, features, group, PRIOR[kind] + push, here))
        else:
            features, group = _coded(TAIL, told)
            asked.append(Question(position, TAIL, features, group, PRIOR[TAIL] + push, fresh))
            return asked, spots[index + 1 :]
    return asked, []


def _half(size: int) -> int:
    """Half powers of two."""
    length = size.bit_length()
    return length << 1 | (size >> (length - 2) & 1 if length > 1 else 0)


_STAGE = 2
"""Where the stage stands in what is told of a spot."""


@lru_cache(maxsize=16_384)
def _coded(kind: int, told: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What is told of a spot as the features of the first stage, and as those of the second."""
    return _codes(kind, told), _codes(kind, (min(told[_STAGE], 2),))


def _codes(kind: int, told: tuple[int, ...]) -> tuple[int, ...]:
    """Values as features: each with its place, from 0, and the kind of the spot."""
    return tuple([(field << 12 | kind << 9 | min(value, 511)) + 1 for field, value in enumerate(told)])
