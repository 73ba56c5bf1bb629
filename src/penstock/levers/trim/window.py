"""Where a rolling window cuts a conversation: a pure function of its history.

A cut that moves every turn breaks the cached prefix every turn (T1). So history is left alone until it is larger than
the high mark, is then cut to the low mark, and that cut stays until the high mark is reached again. Where the cut is
now is found by walking through the turns from the first: the same history gives the same cut, on every host and after
every restart, and a longer history gives the same cut or a later one.

What stays whatever is cut (tools, system, the first message, the newest turn) may be above the low mark by itself. The
next cut then waits until as much has come as lies between the marks: history gathers between two cuts all the same, and
a request may be larger than the window by what has to stay.

Cuts stand where a user begins to speak (T21). What is cut is everything between the first user message and there;
instructions and what must not be taken away stay.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

import msgspec

from penstock.levers.trim.turns import Message


class Marks(msgspec.Struct, frozen=True):
    """When to cut and to what, in tokens; ``high`` >= ``low``."""

    high: float
    low: float

    def next_cut(self, left: int) -> float:
        """The size beyond which to cut where so many tokens were left by the cut before it, or stay in any case."""
        return max(self.high, left + self.high - self.low)


class Worth(msgspec.Struct, frozen=True):
    """What a cut costs and brings, in prices relative to a plain prompt token (statistics 5).

    Attributes:
        write: of a token that is put into the cache anew.
        read: of a token that is read from it.
        turns: how many more turns the conversation is expected to go on for.
        always: cut at the mark whether it pays or not.
    """

    write: float
    read: float
    turns: float
    always: bool = False

    def pays(self, removed: int, rewritten: int) -> bool:
        """Whether removing tokens is worth writing those behind the cut again: T* = (w - d)S / (d r) turns or fewer."""
        return self.always or self.read * removed * self.turns >= (self.write - self.read) * rewritten


class Cut(msgspec.Struct, frozen=True):
    """A cut.

    Attributes:
        after: index of the first user message; what is up to it stays.
        until: index of the message from which on everything stays.
        removed: tokens left out.
        rewritten: tokens behind the cut when it was made.
        fresh: it was made at this very turn, so that what is behind it is written anew now.
    """

    after: int
    until: int
    removed: int
    rewritten: int
    fresh: bool


def find_cut(messages: Sequence[Message], tokens: Sequence[int], fixed: int, marks: Marks, worth: Worth) -> Cut | None:
    """Where the conversation is cut now, or None where it is whole.

    Args:
        messages: the conversation.
        tokens: per message; estimates that do not change from call to call.
        fixed: tokens before the messages: tools and system text.
        marks: when to cut and to what.
        worth: whether a cut pays.
    """
    starts = [index for index, message in enumerate(messages) if message.speaks]
    if len(starts) < 2:  # noqa: PLR2004 - the first user message and the newest both stay
        return None
    first, turns = starts[0], starts[1:]
    places = _places(messages, first, turns)
    upto = [0, *accumulate(tokens)]
    stays = [0, *accumulate(count if one.stays else 0 for one, count in zip(messages, tokens, strict=True))]
    head = fixed + upto[first + 1]
    cut, made_at, rewritten, left = first + 1, -1, 0, head
    for turn in turns:
        kept = upto[turn + 1] - upto[cut] + stays[cut] - stays[first + 1]
        if head + kept <= marks.next_cut(left):
            continue
        place = _place(places, cut, turn, upto=upto, room=marks.low - head)
        if place is None or not worth.pays(upto[place] - upto[cut], upto[turn + 1] - upto[place]):
            continue
        cut, made_at, rewritten = place, turn, upto[turn + 1] - upto[place]
        left = head + stays[cut] - stays[first + 1] + rewritten
    if made_at < 0:
        return None
    removed = upto[cut] - upto[first + 1] - (stays[cut] - stays[first + 1])
    return Cut(first, cut, removed, rewritten, made_at == turns[-1])


def _place(places: Sequence[int], cut: int, turn: int, *, upto: Sequence[int], room: float) -> int | None:
    """The first place past the present cut that leaves at most ``room`` tokens behind it, else the last there is."""
    past = places[bisect_left(places, cut + 1) : bisect_left(places, turn + 1)]
    if not past:
        return None
    index = bisect_left(past, upto[turn + 1] - room, key=lambda place: upto[place])
    return past[min(index, len(past) - 1)]


def _places(messages: Sequence[Message], first: int, turns: Sequence[int]) -> list[int]:
    """Turn starts at which a cut is valid: no result stays whose call goes, and nothing goes that has to stay."""
    places = []
    open_calls: set[str] = set()
    orphaned = _late_results(messages)
    for index in range(first + 1, len(messages)):
        message = messages[index]
        if message.speaks and not open_calls:
            places.append(index)
        if message.fixed:
            break
        for call in message.opens:
            if call in orphaned:
                open_calls.add(call)
        open_calls.difference_update(message.closes)
    chosen = set(turns)
    return [place for place in places if place in chosen]


def _late_results(messages: Sequence[Message]) -> set[str]:
    """Ids of calls that get a result somewhere; a call without one may be cut away alone."""
    return {call for message in messages for call in message.closes}
