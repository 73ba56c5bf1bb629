from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from penstock.levers.cache.planner import Terms
from penstock.levers.cache.terms import terms_of
from penstock.models.catalog import profile_of
from penstock.models.prices import Prices, prices_of
from penstock.models.profile import Profile
from penstock.unknown import Unknown

AT = datetime(2026, 11, 20, tzinfo=UTC)


def _model(name: str) -> tuple[Profile, Prices]:
    profile, prices = profile_of(name), prices_of(name, at=AT, prompt_tokens=5000)
    assert isinstance(profile, Profile)
    assert isinstance(prices, Prices)
    return profile, prices


def _terms(name: str, ttl: str = "auto") -> Terms:
    terms = terms_of(*_model(name), ttl=ttl)
    assert isinstance(terms, Terms)
    return terms


@pytest.mark.parametrize(
    ("model", "read", "minimum"),
    [
        ("claude-opus-5-5", 0.05, 512),
        ("claude-opus-5", 0.1, 512),
        ("claude-fable-5-1", 0.025, 512),
        ("claude-haiku-4-5", 0.1, 4096),
        ("claude-sonnet-4-6", 0.1, 1024),
    ],
)
def test_t04_read_price_and_minimum_are_the_models_own(model: str, read: float, minimum: int) -> None:
    terms = _terms(model)
    assert terms.read == pytest.approx(read)
    assert terms.minimum == minimum
    assert [(write.ttl, write.lifetime, write.rate) for write in terms.writes] == [
        ("1h", 3600.0, 2.0),
        ("5m", 300.0, 1.25),
    ]


def test_openai_offers_half_an_hour_at_a_quarter_more() -> None:
    terms = _terms("gpt-6.1-sol")
    short = next(write for write in terms.writes if write.ttl == "30m")
    assert (short.lifetime, short.rate) == (1800.0, 1.25)
    assert terms.read == pytest.approx(0.05)


def test_t05_longer_lifetimes_stand_first_and_there_are_four_slots() -> None:
    for model in ("claude-opus-5-5", "gpt-6.1-terra"):
        terms = _terms(model)
        lifetimes = [write.lifetime for write in terms.writes]
        assert lifetimes == sorted(lifetimes, reverse=True)
        assert terms.slots == 4


def test_the_policy_may_allow_one_lifetime_only() -> None:
    assert [write.ttl for write in _terms("claude-opus-5-5", ttl="1h").writes] == ["1h"]
    assert [write.ttl for write in _terms("claude-opus-5-5", ttl="5m").writes] == ["5m"]


def test_t12_a_model_without_markers_has_no_terms() -> None:
    assert isinstance(terms_of(*_model("gpt-5.4")), Unknown)


def test_t04_what_is_not_known_gives_no_terms() -> None:
    profile, prices = _model("claude-opus-5-5")
    unknown = Unknown("not published")
    replace = msgspec.structs.replace
    for one, other in (
        (unknown, prices),
        (profile, unknown),
        (replace(profile, minimum_prefix=unknown), prices),
        (profile, replace(prices, input=unknown)),
        (profile, replace(prices, cache_read=unknown)),
        (profile, replace(prices, cache_write_5m=unknown, cache_write_1h=unknown)),
    ):
        assert isinstance(terms_of(one, other), Unknown)


def test_a_lifetime_without_a_price_is_not_offered() -> None:
    profile, prices = _model("claude-opus-5-5")
    terms = terms_of(profile, msgspec.structs.replace(prices, cache_write_1h=Unknown("not published")))
    assert isinstance(terms, Terms)
    assert [write.ttl for write in terms.writes] == ["5m"]
