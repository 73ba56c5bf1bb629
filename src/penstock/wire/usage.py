"""Token usage in disjoint buckets: the one shape that every provider's numbers are turned into.

Anthropic's ``input_tokens`` excludes cached parts, OpenAI's includes them (provider-semantics 4, trap T17). Inside
Penstock the buckets never overlap, so a total is a sum and a price is a dot product.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Basis(StrEnum):
    """Where a figure comes from."""

    PROVIDER = "provider"  # the provider's own usage
    DERIVED = "derived"  # computed from the provider's figures by documented rules
    ESTIMATED = "estimated"  # an estimate of ours


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Billed tokens of one call, disjoint. ``None`` as a whole usage means that none was reported.

    Attributes:
        input_uncached: prompt tokens at the plain input price.
        cache_read: prompt tokens read from a cache.
        cache_write_5m: written for five minutes (Anthropic).
        cache_write_1h: written for one hour (Anthropic).
        cache_write_30m: written for thirty minutes (OpenAI 5.6 and later).
        cache_write_12h: written for twelve hours (OpenAI 5.6 and later, Responses).
        output: generated tokens, reasoning included.
        output_reasoning: the part of ``output`` that was reasoning; None when not reported.
        cache_write_reported: False when the provider did not say what was written (older OpenAI bodies): the write
            buckets are then 0 because nothing is charged for them, not because nothing was written.
        web_searches: server-side searches, billed per request.
        basis: where the numbers come from.
        flags: what was odd about the report, for example ``cache_creation_parts_do_not_sum``.
    """

    input_uncached: int
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_write_30m: int = 0
    cache_write_12h: int = 0
    output: int = 0
    output_reasoning: int | None = None
    cache_write_reported: bool = True
    web_searches: int = 0
    basis: Basis = Basis.PROVIDER
    flags: tuple[str, ...] = ()

    @property
    def cache_write(self) -> int:
        """All written tokens, whatever their lifetime."""
        return self.cache_write_5m + self.cache_write_1h + self.cache_write_30m + self.cache_write_12h

    @property
    def input_total(self) -> int:
        """The whole prompt: plain, read and written."""
        return self.input_uncached + self.cache_read + self.cache_write
