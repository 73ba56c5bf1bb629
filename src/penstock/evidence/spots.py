"""The few positions of a prompt where a marker could pay, and what their chances are learnt from."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from penstock.evidence.sightings import Chain, Sighting

HEAD, MATCH, LANDMARK, TAIL = 0, 1, 2, 3
"""Kinds of spot; the place before the tail's end is TAIL + 1, and so on."""
TAILS = 4
_BACK = 24
"""How far above an unmarkable match a markable place is looked for."""
_CROWD = 3
"""A prefix from which more prompts than this went on is a shared head, not a conversation."""
_TURNS = (1, 2, 3, 5, 9)
"""Ends of the classes of conversation turns, inclusive."""
LAST_STAGE = 2 + len(_TURNS)


class Spot(NamedTuple):
    """A position where a marker could pay, and its kind."""

    position: int
    kind: int


def spots_of(chain: Chain, sighting: Sighting | None) -> list[Spot]:
    """Where prompts are known to part (head, match), where parts of the prompt end, and the ends of the tail."""
    match = -1 if sighting is None else sighting.match
    chosen: dict[int, int] = {}
    if sighting is not None:
        if 0 <= sighting.head < match and chain.markable(sighting.head):
            chosen[sighting.head] = HEAD
        shared = next((p for p in range(match, max(match - _BACK, -1), -1) if chain.markable(p)), -1)
        if shared >= 0:
            chosen.setdefault(shared, MATCH)
    for position in chain.landmarks:
        if position > match and chain.markable(position):
            chosen.setdefault(position, LANDMARK)
    found = 0
    for position in range(len(chain) - 1, match, -1):
        if chain.markable(position):
            chosen[position] = TAIL + found
            found += 1
            if found == TAILS:
                break
    return [Spot(position, chosen[position]) for position in sorted(chosen)]


def stage_of(sighting: Sighting | None) -> int:
    """How far a conversation has come, as a small class: 0 new, 1 on a shared head, else by its turn."""
    if sighting is None:
        return 0
    if sighting.turn == 0 or sighting.kids > _CROWD:
        return 1
    return 2 + bisect_left(_TURNS, sighting.turn)


def next_stage(stage: int) -> int:
    """The class of the request after one of this class, were it to come."""
    if stage == 0:
        return 2
    return 1 if stage == 1 else min(stage + 1, LAST_STAGE)


def features_of(chain: Chain, sighting: Sighting | None, stage: int) -> list[tuple[Spot, tuple[int, ...]]]:
    """Each spot with its features as numbers: its kind alone, with the stage, with what is new, with the size."""
    whole = chain.upto(len(chain) - 1)
    size = whole.bit_length()
    fresh = (whole - chain.upto(-1 if sighting is None else sighting.match)).bit_length()
    return [
        (
            spot,
            (_code(0, spot.kind, 0), _code(1, spot.kind, stage), _code(2, spot.kind, fresh), _code(3, spot.kind, size)),
        )
        for spot in spots_of(chain, sighting)
    ]


def _code(field: int, kind: int, value: int) -> int:
    return (field << 12 | kind << 6 | min(value, 63)) + 1
