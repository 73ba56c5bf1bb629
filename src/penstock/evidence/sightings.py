"""The words of reuse evidence: a prompt as a chain of prefixes, what was known of it, what it left and cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

NOWHERE = 1 << 62
"""A position beyond every chain."""


class Shape(IntEnum):
    """What a prompt looks like, as far as it tells whether another will follow; no text."""

    UNKNOWN = 0
    FIRST = 1
    FIRST_WITH_TOOLS = 2
    DIALOGUE = 3
    DIALOGUE_WITH_TOOLS = 4
    TOOL_RESULT = 5


class Chain(Protocol):
    """A prompt as prefixes. Positions count from 0; a prefix's key stands for everything up to its end."""

    @property
    def landmarks(self) -> Sequence[int]:
        """Positions where a part of the prompt ends that other prompts may share: tools, system."""

    @property
    def shape(self) -> Shape:
        """What the prompt looks like."""

    def __len__(self) -> int: ...

    def key(self, position: int) -> int:
        """A 64-bit key of the prefix that ends at a position; never 0."""

    def upto(self, position: int) -> int:
        """Tokens of the prefix that ends at a position; 0 for -1."""

    def markable(self, position: int) -> bool:
        """Whether a marker may stand there."""


class Sighting(NamedTuple):
    """What was known about a chain when it came.

    Attributes:
        match: position of the deepest prefix seen before.
        entry: position of the deepest prefix with a live cache entry, -1 for none.
        left: seconds that this entry still lives.
        life: its lifetime in seconds.
        gap: seconds since the match was last seen.
        turn: earlier requests of the same conversation; 0 when the match is not the end of an earlier request.
        visits: how often the match was the deepest known prefix of a request before.
        kids: how many different prompts went on from it.
        head: position of the nearest prefix above the match from which prompts went different ways, -1 for none.
        owner: number of the request that passed the match last.
    """

    match: int
    entry: int
    left: float
    life: float
    gap: float
    turn: int
    visits: int
    kids: int
    head: int
    owner: int


class Outlook(NamedTuple):
    """How likely the spots of a chain come again.

    A prompt's tail and what it shares with others have lateness of their own: a system prompt comes again with every
    request, and tells nothing about how long a conversation's next turn takes.

    Attributes:
        spots: (position, chance to come again within the shortest lifetime), in order; chances never rise.
        stays: lifetime in seconds -> the chance not to come in the rest of it, having not come in the shortest.
        then: lifetime in seconds -> the chance of yet another request within it, were the next one to come.
        tail: position of the first spot of the tail; a position beyond every spot when there is none.
        tail_stays: as ``stays``, of the beginning of the tail.
        tail_then: as ``then``, of the tail.
        begun: the chance that the tail's first spot comes again within the shortest lifetime.
        parts: the chance that, besides, a request comes in that time that shares what is above the tail, and no tail.
    """

    spots: list[tuple[int, float]]
    stays: Mapping[float, float]
    then: Mapping[float, float]
    tail: int = NOWHERE
    tail_stays: Mapping[float, float] = MappingProxyType({})
    tail_then: Mapping[float, float] = MappingProxyType({})
    begun: float = 0.0
    parts: float = 0.0

    def chance(self, position: int, soon: float, lifetime: float) -> float:
        """The chance that a spot comes again within a lifetime; of a lifetime never measured, that of the shortest.

        Args:
            position: of the spot.
            soon: its chance within the shortest lifetime.
            lifetime: seconds.
        """
        above, more = self.within(lifetime)
        return soon * more if position >= self.tail else 1.0 - (1.0 - soon) * above

    def within(self, lifetime: float) -> tuple[float, float]:
        """What a lifetime makes of a spot's chance within the shortest, ``soon``.

        Returns:
            ``(above, more)``: above the tail the chance is ``1 - (1 - soon) above``, from the tail on ``soon more``.
        """
        above = self.stays.get(lifetime, 1.0)
        if self.begun <= 0.0:
            return above, 1.0
        return above, 1.0 + (1.0 - self.begun) * (1.0 - self.tail_stays.get(lifetime, 1.0)) / self.begun

    def reads(self, position: int, chance: float, lifetime: float) -> float:
        """How many requests an entry at a spot is expected to serve first: above the tail, up to two.

        Args:
            position: of the spot.
            chance: that it comes again within the lifetime.
            lifetime: seconds.
        """
        if position >= self.tail or self.parts == 0.0 or self.tail == NOWHERE:
            return chance
        return max(chance, self.chance(self.tail, self.begun, lifetime) + self.parts)

    def following(self, position: int) -> Mapping[float, float]:
        """Lifetime in seconds -> the chance of yet another request that shares a position, were the next to come."""
        return self.then if position < self.tail else self.tail_then


class Later(NamedTuple):
    """What is still expected after a prompt that waits for its next.

    Attributes:
        chance: that one comes that goes on from its end, later than now and in the time asked for.
        then: lifetime in seconds -> the chance of yet another within it, were that one to come.
    """

    chance: float
    then: Mapping[float, float]


class Entry(NamedTuple):
    """A cache entry that a request's marker writes or refreshes: where it ends and how long it lives, seconds."""

    position: int
    lifetime: float


class Bill(NamedTuple):
    """What the provider billed for a request's prompt.

    Attributes:
        model: that answered.
        prompt: tokens in all.
        read: of them read from a cache.
        written: tokens written, by name of the lifetime.
    """

    model: str
    prompt: int
    read: int
    written: Mapping[str, int]
