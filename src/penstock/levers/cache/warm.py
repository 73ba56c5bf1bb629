"""When a cache entry is worth filling ahead of its readers, or keeping alive between them, and with what request.

A keep-alive request reads an entry at the read price ``r``, which gives it another lifetime for free; each use that
finds the entry alive is spared a rewrite, ``w - r``. More than ``(w - r) / r`` of them never pay for one rewrite (trap
T14: 11 for 1.25 and 0.1). Which of them pay is decided one by one from the measured waits: with ``h`` the chance of a
use in the round that a request buys, the request is worth

    V(n) = h(n) (w - r) + (1 - h(n)) max(0, V(n + 1)) - r        for each token of the prefix

less a tenth of its price, as a dearer marker has to promise more (``planner.CAUTION``).

It has to be the same tools, system, thinking and effort as the calls it serves, or it warms another entry (T10).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from penstock.levers.cache.planner import CAUTION
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown
from penstock.wire.body import Operation
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level
from penstock.wire.view import View

OF_LIFETIME = 0.9
"""A keep-alive request is sent when so much of the lifetime is over: below it, with time to travel."""
_PLACEHOLDER = b'[{"role":"user","content":"."}]'
_FORCED = ("any", "tool")


class Price(msgspec.Struct, frozen=True):
    """What a prefix costs, picodollars.

    Attributes:
        write: paying for it anew; what a longer-lived entry above holds is read then too.
        read: reading it.
        beside: what a warming request has in its prompt beside the prefix.
    """

    write: int
    read: int
    beside: int = 0

    @property
    def spared(self) -> int:
        """What a read in place of a write saves."""
        return self.write - self.read


def break_even(price: Price) -> int:
    """The most keep-alive requests that one avoided rewrite pays for; 0 when not even one."""
    each = price.read + price.beside
    return max(0, price.spared // each) if each > 0 else 0


def worth(price: Price, done: int, hazard: Callable[[int], float]) -> float:
    """What one more keep-alive request is expected to earn, its own price and a tenth of it taken off; picodollars.

    Args:
        price: of the prefix.
        done: keep-alive requests since the latest use.
        hazard: round -> the chance of a use in it, given none before. The entry lives through round 0 by itself, and
            the n-th request buys round n.
    """
    most = break_even(price)
    each = price.read + price.beside
    value = 0.0
    for number in range(most, done, -1):
        chance = hazard(number)
        value = chance * price.spared + (1.0 - chance) * max(0.0, value) - each
    return (value if most > done else -float(each)) - CAUTION * each


def ahead_pays(price: Price, late: float) -> bool:
    """Whether filling an entry ahead of parallel first calls pays.

    The first call reads what it would have written itself, so the extra price is one read and what stands beside; each
    of the ``late`` calls that would not have waited for the first one's answer is spared a write.
    """
    return late * price.spared > price.read + price.beside


def warming_body(view: View, profile: Profile) -> bytes | Unknown:
    """The request that fills or renews the deepest entry of a request and generates nothing, or why there is none.

    Args:
        view: the request as it was sent, with its markers.
        profile: of its model.
    """
    if profile.regime is Regime.ANTHROPIC:
        return _messages(view)
    if profile.regime is Regime.OPENAI_BREAKPOINTS and view.dialect is Dialect.OPENAI_RESPONSES:
        return _responses(view)
    return Unknown("this API cannot fill a cache without an answer")


def _messages(view: View) -> bytes | Unknown:
    """``max_tokens: 0`` (provider-semantics 1.6), with the mark before whatever differs from call to call."""
    refused = unwarmable(view)
    if refused is not None:
        return Unknown(refused)
    marked = [segment for segment in view.segments if segment.marker is not None]
    if not marked or view.automatic_marker is not None:
        return Unknown("the request has no marker of its own that a placeholder could stand behind")
    operations = answerless(view)
    last = marked[-1]
    if last.level is not Level.MESSAGES:
        operations.append(Operation(("messages",), "set", _PLACEHOLDER))
    elif last.role != "user":
        return Unknown("the last marker stands in an answer, and a request may not end there")
    elif last.message < view.message_count - 1:
        start, _ = view.span_of(("messages", 0))
        _, end = view.span_of(("messages", last.message))
        operations.append(Operation(("messages",), "set", b"[" + view.raw[start:end] + b"]"))
    return view.apply(operations)


def answerless(view: View) -> list[Operation]:
    """What makes a Messages request one that generates nothing."""
    streamed = [Operation(("stream",), "delete")] if "stream" in view.params else []
    return [Operation(("max_tokens",), "set", b"0"), *streamed]


def unwarmable(view: View) -> str | None:
    """What the provider refuses beside ``max_tokens: 0``; leaving it out would warm another entry."""
    refused = None
    if view.get("thinking", "type") == "enabled":
        refused = "thinking of type enabled"
    elif view.get("output_config", "format") is not None:
        refused = "an output format"
    elif view.get("tool_choice", "type") in _FORCED:
        refused = "a forced tool choice"
    return None if refused is None else f"max_tokens = 0 is refused with {refused}"


def _responses(view: View) -> bytes | Unknown:
    """``prompt_cache_options.prewarm`` (provider-semantics 2.2, rule 8)."""
    options = view.get("prompt_cache_options")
    explicit = isinstance(options, dict) and options.get("mode") == "explicit"
    if explicit and all(segment.marker is None for segment in view.segments):
        return Unknown("explicit mode without a breakpoint caches nothing")
    if isinstance(options, dict):
        operations = [Operation(("prompt_cache_options", "prewarm"), "set", b"true")]
    else:
        operations = [Operation(("prompt_cache_options",), "set", b'{"prewarm":true}')]
    operations += [Operation((name,), "delete") for name in ("stream", "stream_options") if name in view.params]
    operations.append(Operation(("store",), "set", b"false"))
    return view.apply(operations)
