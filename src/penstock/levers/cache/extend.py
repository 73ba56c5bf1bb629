"""One request that keeps a prompt for longer than it was written for, and when it pays.

An entry covers its whole prefix (decision 0006): a request that finds the entry of five minutes and writes a few tokens
beyond it for an hour has the whole prompt kept for an hour. Those tokens have to come again as they are, so they are
what the next turn of the conversation is known to begin with: what stands behind our last marker in the prompt, or the
answer that the client got (decision 0017). With ``q`` the chance that such a turn comes later than the shorter entry
lives and before the longer one is over, the request is worth

    q x D x (whole - covered) - r x prefix - w x (whole - prefix) - beside

where ``D`` is what a live entry is worth per token (``planner``), ``covered`` what an entry above keeps anyway, and
``r`` and ``w`` are the read price and the longer lifetime's write price. A forecast of that kind has to promise a tenth
more than the request costs, as a dearer marker has to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from penstock.evidence.sightings import Later
from penstock.levers.cache.planner import CAUTION, Fixed, Terms, Write, worth
from penstock.levers.cache.warm import answerless, unwarmable
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown
from penstock.wire.body import Operation
from penstock.wire.echo import Echo
from penstock.wire.segments import Level, Marker
from penstock.wire.view import View


class Extent(NamedTuple):
    """What an extending request consists of, in tokens.

    Attributes:
        prefix: that it reads.
        whole: that the new entry covers; what is not read of it is written.
        beside: in its prompt beyond that.
        covered: that another entry covers as long.
    """

    prefix: int
    whole: int
    beside: int = 0
    covered: int = 0


class Extending(NamedTuple):
    """An extending request.

    Attributes:
        body: of the request.
        position: where the new entry ends, in its own segments and in those of a next turn.
        found: where the entry ends that it reads.
    """

    body: bytes
    position: int
    found: int


def longer_write(terms: Terms, lifetime: float) -> Write | None:
    """The longest lifetime on offer, when it is longer than an entry's (seconds)."""
    return terms.writes[0] if terms.writes[0].lifetime > lifetime else None


def cost(terms: Terms, write: Write, extent: Extent) -> float:
    """What an extending request costs, in tokens at the input price."""
    return terms.read * extent.prefix + write.rate * (extent.whole - extent.prefix) + extent.beside


def extension_worth(terms: Terms, write: Write, extent: Extent, later: Later) -> float:
    """What an extending request is expected to earn, its own price taken off; in tokens at the input price."""
    value = worth(terms, later.then)[terms.writes.index(write)]
    return later.chance * value * (extent.whole - extent.covered) - (1.0 + CAUTION) * cost(terms, write, extent)


def extending_body(
    view: View, profile: Profile, write: Write, *, fixed: Sequence[Fixed], look_back: int, answer: Echo | None
) -> Extending | Unknown:
    """The request that has a prompt kept for a longer lifetime, or why there is none.

    Args:
        view: the request as it was sent, with its markers.
        profile: of its model.
        write: the longer lifetime.
        fixed: the client's own markers. They stay, and lifetimes may not rise along a prompt (1.2).
        look_back: positions at which a marker looks for an entry, its own included.
        answer: what was answered, as the next turn will hold it; None when that is not known.
    """
    if profile.regime is not Regime.ANTHROPIC:
        return Unknown("an entry of this API is not known to live by what is written beyond it")
    refused = unwarmable(view)
    if refused is not None:
        return Unknown(refused)
    if view.automatic_marker is not None or any(mark.lifetime < write.lifetime for mark in fixed):
        return Unknown("a shorter marker of the client's own stands before what would be written")
    segments, marked = view.segments, view.outline.marked
    if not marked or segments[-1].level is not Level.MESSAGES or segments[-1].role != "user":
        return Unknown("the request does not end in a message that a next turn would go on from")
    found = marked[-1]
    last = next((at for at in range(len(segments) - 1, found, -1) if segments[at].markable), found)
    operations = [view.unmark(segments[at]) for at in marked if segments[at].marker != Marker(write.ttl)]
    operations += answerless(view)
    if last > found:
        operations.append(view.mark(segments[last], Marker(write.ttl)))
    elif answer is None:
        return Unknown("nothing stands behind the entry that a next turn is known to hold")
    else:
        last = len(segments) + len(answer.blocks) - 1
        count = view.message_count
        marker = msgspec.json.encode({"type": "ephemeral", "ttl": write.ttl})
        operations.append(Operation(("messages", count), "insert", answer.marked(marker)))
        operations.append(Operation(("messages", count), "insert", answer.placeholder()))
    if last - found >= look_back:
        return Unknown("the entry stands too far above for a marker to find it")
    return Extending(view.apply(operations), last, found)
