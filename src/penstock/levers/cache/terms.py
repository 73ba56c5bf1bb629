"""What caching costs on a model, in units of its own input price."""

from __future__ import annotations

from penstock.levers.cache.planner import Terms, Write
from penstock.models.prices import Prices
from penstock.models.profile import Profile, Regime
from penstock.money import Rate
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.memo import Memo

MARKERS = 4
"""Markers of a request: at most four on Anthropic; the latest four are written on OpenAI 5.6 and later."""
LOOK_BACK = {Regime.ANTHROPIC: 20, Regime.OPENAI_BREAKPOINTS: 1}
"""Positions at which a marker looks for an entry. Runs of tool blocks are counted one by one on Anthropic, which is the
careful reading (1.4, T3); an OpenAI breakpoint finds only an entry that ends where it stands (2.2)."""


def terms_of(
    profile: Profile | Unknown, prices: Prices | Unknown, *, ttl: str = "auto", dialect: Dialect | None = None
) -> Terms | Unknown:
    """The terms of a model, or why there are none.

    Args:
        profile: of the model.
        prices: for a request of this size, now.
        ttl: the policy's word: ``auto``, or the one lifetime that may be used where the model has it.
        dialect: of the request; Chat Completions accept no 12-hour lifetime (2.2, rule 8).
    """
    if isinstance(profile, Unknown):
        return profile
    if isinstance(prices, Unknown):
        return prices
    key = (id(profile), id(prices), ttl, dialect)
    known = _known.get(key)
    if known is None or known[0] is not profile or known[1] is not prices:
        known = (profile, prices, _terms(profile, prices, ttl, dialect))
        _known.put(key, known)
    return known[2]


_known: Memo[tuple[int, int, str, Dialect | None], tuple[Profile, Prices, Terms | Unknown]] = Memo(512)
"""By the objects themselves, of which there is one for each model and day; they stay alive with their terms."""


def _terms(profile: Profile, prices: Prices, ttl: str, dialect: Dialect | None) -> Terms | Unknown:
    if profile.regime not in LOOK_BACK:
        return Unknown("the model has no cache markers")
    if isinstance(profile.minimum_prefix, Unknown):
        return profile.minimum_prefix
    if isinstance(prices.input, Unknown):
        return prices.input
    if isinstance(prices.cache_read, Unknown):
        return prices.cache_read
    rates: dict[str, Rate | Unknown] = {
        "1h": prices.cache_write_1h,
        "5m": prices.cache_write_5m,
        "12h": prices.cache_write_12h,
        "30m": prices.cache_write_30m,
    }
    if dialect is Dialect.OPENAI_CHAT:
        del rates["12h"]
    offered = {name for name in rates if name in profile.ttl_seconds}
    wanted = {ttl} & offered or offered
    writes = [
        Write(name, profile.ttl_seconds[name], rate / prices.input)
        for name, rate in rates.items()
        if name in wanted and not isinstance(rate, Unknown)
    ]
    if not writes:
        return Unknown(f"no price for writing a cache entry on {profile.model}")
    return Terms(
        read=prices.cache_read / prices.input,
        writes=tuple(sorted(writes, key=lambda write: -write.lifetime)),
        minimum=profile.minimum_prefix,
        slots=MARKERS,
        look_back=LOOK_BACK[profile.regime],
    )
