"""Why the cache lever leaves a request as it is, with its arithmetic: worked out when somebody asks, never on the way.

Most requests that are not marked are not worth marking, and a sentence for each would cost more than it tells. What
the guard and the drift alarm hold back is noted by the lever itself.
"""

from __future__ import annotations

from penstock.engine.facts import Facts
from penstock.evidence.sightings import Outlook
from penstock.levers.cache.case import RequestCase, request_case
from penstock.levers.cache.client_marks import client_marks
from penstock.levers.cache.planner import CAUTION, worth
from penstock.models.profile import Profile, Regime
from penstock.money import format_usd
from penstock.unknown import Unknown
from penstock.wire.view import View


def why_unwritten(view: View, facts: Facts) -> str:
    """One line for a request that the lever proposes nothing for."""
    profile = facts.profile
    if isinstance(profile, Unknown):
        return f"nothing is promised for it: {profile.why}"
    if profile.regime is Regime.OPENAI_GRID:
        return "writing costs nothing on this model, and a key is set only where one key is too busy"
    if profile.regime is Regime.OPENAI_BREAKPOINTS and view.get("prompt_cache_options") is not None:
        return "the caller has chosen a cache mode"
    request = request_case(view, facts)
    if isinstance(request, Unknown):
        return request.why
    if profile.regime is Regime.OPENAI_BREAKPOINTS:
        return "the provider's own mode writes what is worth writing: explicit mode would gain less than half a percent"
    marks = client_marks(view, profile)
    if len(marks) >= request.case.terms.slots:
        return f"the caller's own {len(marks)} markers take every place"
    return _best(request, profile)


def _best(request: RequestCase, profile: Profile) -> str:
    """The write that comes nearest to paying, beside the chance at which it would."""
    case = request.case
    terms, outlook = case.terms, case.outlook
    cheapest = min(write.rate for write in terms.writes)
    found: list[tuple[float, str]] = []
    for position, soon in outlook.spots:
        tokens = case.chain.upto(position)
        if position <= case.entry or tokens < terms.minimum:
            continue
        for write, value in zip(terms.writes, worth(terms, outlook.following(position)), strict=True):
            reads = outlook.reads(position, outlook.chance(position, soon, write.lifetime), write.lifetime)
            sure = min(reads, 1.0)
            fee = write.rate - 1.0 + CAUTION * (write.rate - cheapest)
            lost = format_usd(request.money(tokens * (fee - reads * value)))
            why = (
                f"the first {tokens:,} tokens are expected to be read again within {write.ttl} with {sure:.0%}, and "
                f"writing them at {write.rate:g}x pays from {fee / value:.0%} on; it would lose {lost}"
            )
            found.append((reads * value - fee, why))
    if not found:
        return _nothing_new(outlook, case.entry, profile)
    gain, why = max(found)
    return why if gain <= 0.0 else "what pays to be written is written by the caller's own markers"


def _nothing_new(outlook: Outlook, entry: int, profile: Profile) -> str:
    if entry >= 0:
        return "what is shared is cached already"
    if not outlook.spots:
        return "no place in the prompt is known where prompts part"
    return f"nothing that may be shared is as long as the shortest cached prefix of {profile.model}"
