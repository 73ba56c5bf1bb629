from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from penstock.levers.route.price import Side, saving_per_call, session_cost
from penstock.models.prices import Prices, prices_of
from penstock.unknown import Unknown


def _prices(model: str) -> Prices:
    prices = prices_of(model, at=datetime(2026, 8, 1, tzinfo=UTC), prompt_tokens=1000)
    assert isinstance(prices, Prices)
    return prices


def _stay(model: str, warm: int) -> Side:
    return Side(_prices(model), prompt=warm, warm=warm, lasting=warm, output=0)


def _switch(model: str, warm: int) -> Side:
    return Side(_prices(model), prompt=warm, warm=0, lasting=warm, output=0)


@pytest.mark.parametrize(("target", "ahead_from"), [("claude-haiku-4-5", 3), ("claude-sonnet-5", 8)])
def test_t15_a_switch_away_from_a_warm_prefix_pays_only_from_the_published_turn(target: str, ahead_from: int) -> None:
    """Opus 5 reads the prefix at 0.50 a turn; Haiku 4.5 writes it at 1.25 and reads at 0.10, Sonnet 5 2.50 and 0.20."""
    stay, switch = _stay("claude-opus-5", 1_000_000), _switch(target, 1_000_000)
    savings = {
        turn: saving_per_call(stay, switch, turns=float(turn), escalation=0.0) for turn in (ahead_from - 1, ahead_from)
    }
    assert isinstance(savings[ahead_from - 1], int)
    assert savings[ahead_from - 1] < 0 < savings[ahead_from]  # type: ignore[operator]


def test_a_cold_prompt_is_cheaper_on_the_cheaper_model_at_once() -> None:
    stay = Side(_prices("claude-opus-5"), 1000, 0, 0, 100)
    switch = Side(_prices("claude-haiku-4-5"), 1000, 0, 0, 100)
    expected = 1000 * (5 - 1) * 10**6 + 100 * (25 - 5) * 10**6
    assert saving_per_call(stay, switch, turns=1.0, escalation=0.0) == expected


def test_second_tries_are_paid_for_at_the_dearer_model() -> None:
    """Escalations at 1 - rho make the cascade as dear as going to the strong model (statistics 3)."""
    stay = Side(_prices("claude-opus-5"), 1000, 0, 0, 100)
    switch = Side(_prices("claude-haiku-4-5"), 1000, 0, 0, 100)
    assert saving_per_call(stay, switch, turns=1.0, escalation=0.8) == 0
    dear = saving_per_call(stay, switch, turns=1.0, escalation=0.9)
    assert isinstance(dear, int)
    assert dear < 0


def test_an_unknown_price_makes_the_saving_unknown() -> None:
    unpriced = msgspec.structs.replace(_prices("claude-opus-5"), output=Unknown("no price"))
    side = Side(unpriced, 10, 0, 0, 10)
    other = Side(_prices("claude-haiku-4-5"), 10, 0, 0, 10)
    assert saving_per_call(side, other, turns=1.0, escalation=0.0) == Unknown("no price")
    assert saving_per_call(other, side, turns=1.0, escalation=0.0) == Unknown("no price")
    assert session_cost(msgspec.structs.replace(other, prices=msgspec.structs.replace(
        other.prices, input=Unknown("x"))), 1.0) == Unknown("x")  # fmt: skip


def test_a_model_without_a_cache_price_pays_the_plain_price_every_turn() -> None:
    prices = msgspec.structs.replace(_prices("claude-opus-5"), cache_read=Unknown("none"))
    assert session_cost(Side(prices, 1000, 0, 1000, 0), 3.0) == 3 * 1000 * 5 * 10**6
