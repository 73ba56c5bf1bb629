"""The guard of the cache lever: writing has to earn what it costs, and says so when it does not.

Two rules, both on what the provider billed:

    budget   what writes have cost beyond the plain price may not exceed what reads have saved by more than half a
             percent of the task's prompts (and a small float, so that a new task can begin)
    streak   when four reads were expected of finished writes and none came (a chance below two percent, were the
             forecasts right), nor reads of other entries to as many tokens, the task stands down; one write is let
             through after ten minutes, then after twenty, and so on up to six hours, until the streak is over
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.evidence.returns import UNREAD, Account
from penstock.levers.cache.planner import Mark, Terms

SHARE = 0.005
"""Of all prompt tokens, what writing may have lost at any time."""
FLOAT_TOKENS = 150_000.0
"""What a task may lose before it has earned anything, in tokens at the input price."""
_FIRST_PROBE_S = 600.0
_LAST_PROBE_S = 21_600.0


class Standing(NamedTuple):
    """Whether a task may write, and the arithmetic of it.

    Attributes:
        allowed: tokens of extra cost that a write may have, at the input price; 0 stands the task down.
        paid: what writes have cost beyond the plain price so far, in the same tokens.
        earned: what reads have saved.
        streak: why the task stood down for writes that were not read; empty when it has not.
    """

    allowed: float
    paid: float = 0.0
    earned: float = 0.0
    streak: str = ""

    @property
    def why(self) -> str:
        """One line, without prompt text."""
        return self.streak or (
            f"writes have cost {self.paid:,.0f} tokens more than plain, reads have saved {self.earned:,.0f}"
        )


def standing(account: Account, terms: Terms, now: float) -> Standing:
    """How much a task may spend on writing now."""
    if account.unread >= UNREAD:
        wait = min(_FIRST_PROBE_S * 2.0**account.probes, _LAST_PROBE_S)
        if now < account.last_write + wait:
            return Standing(
                0.0,
                streak=f"stood down: {account.unread_writes} writes were not read where {account.unread:.1f} reads "
                f"were expected; tries again {wait / 60.0:.0f} minutes after the last write",
            )
    paid = 0.0
    for write in terms.writes:
        paid += (write.rate - 1.0) * account.written.get(write.ttl, 0)
    earned = (1.0 - terms.read) * account.read
    left = FLOAT_TOKENS + SHARE * account.prompt + earned - paid
    return Standing(max(left, 0.0), paid, earned)


def affordable(marks: Sequence[Mark], terms: Terms, allowed: float) -> list[Mark]:
    """The leading markers whose writes stay within what is allowed."""
    rates = {write.ttl: write.rate for write in terms.writes}
    kept: list[Mark] = []
    spent = 0.0
    for mark in marks:
        spent += (rates[mark.ttl] - 1.0) * mark.tokens
        if spent > allowed:
            break
        kept.append(mark)
    return kept
