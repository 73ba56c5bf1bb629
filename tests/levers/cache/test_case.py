from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from penstock.engine.edit import Edit
from penstock.levers.cache.propose import propose
from penstock.unknown import Unknown
from tests.levers.cache.prompts import LONG, Traffic, anthropic, chat, view_of
from tests.levers.cache.provider import Billed


def _busy(make: Callable[..., dict[str, Any]] = anthropic) -> Billed:
    provider = Billed()
    for n in range(20):
        provider.pay(make(turns=(f"{n}: {LONG[:5000]}",)))
    return provider


def _saving(edits: list[Edit]) -> int:
    savings = [edit.saving for edit in edits]
    assert all(isinstance(saving, int) for saving in savings)
    return sum(saving for saving in savings if isinstance(saving, int))


def test_a_read_is_worth_its_tokens_at_the_models_price() -> None:
    """2,775 tokens at 4 dollars a million, of which 95 percent are saved."""
    edits = _busy().edits(anthropic(turns=("Last?",)))
    assert _saving(edits) == pytest.approx(2775 * 4_000_000 * 0.95, rel=0.01)


def test_the_same_plan_is_worth_more_where_tokens_cost_more() -> None:
    provider = _busy()
    view = view_of(anthropic(turns=("Last?",)))
    facts = provider.facts(view)
    assert not isinstance(facts.prices, Unknown)
    assert not isinstance(facts.prices.input, Unknown)
    dear = msgspec.structs.replace(
        facts.prices,
        **{
            name: rate * 3
            for name in ("input", "cache_read", "cache_write_5m", "cache_write_1h")
            if not isinstance(rate := getattr(facts.prices, name), Unknown)
        },
    )
    plans = [
        [edit for edit in propose(view, msgspec.structs.replace(facts, prices=prices)) if isinstance(edit, Edit)]
        for prices in (facts.prices, dear)
    ]
    assert [edit.value for edit in plans[0]] == [edit.value for edit in plans[1]] != []
    assert _saving(plans[1]) == pytest.approx(3 * _saving(plans[0]))


@pytest.mark.parametrize("make", [anthropic, chat])
def test_t04_without_a_price_or_a_minimum_nothing_is_proposed(make: Callable[..., dict[str, Any]]) -> None:
    provider = _busy(make)
    view = view_of(make(turns=(f"Last: {LONG[:5000]}",)))
    facts = provider.facts(view)
    assert propose(view, facts)
    unknown = Unknown("not published")
    replace = msgspec.structs.replace
    assert not isinstance(facts.profile, Unknown)
    for change in (
        {"prices": unknown},
        {"prices": replace(facts.prices, input=unknown)},
        {"profile": unknown},
        {"profile": replace(facts.profile, minimum_prefix=unknown)},
    ):
        assert propose(view, replace(facts, **change)) == []


def test_t04_a_prompt_as_long_as_the_minimum_is_long_enough() -> None:
    provider = _busy()
    view = view_of(anthropic(turns=("Last?",)))
    facts = provider.facts(view)
    assert not isinstance(facts.profile, Unknown)
    for minimum, planned in ((facts.tokens[0], True), (facts.input_tokens + 1, False)):
        profile = msgspec.structs.replace(facts.profile, minimum_prefix=minimum)
        assert bool(propose(view, msgspec.structs.replace(facts, profile=profile))) is planned


def test_what_is_known_of_one_workspace_is_not_counted_on_in_another() -> None:
    provider = _busy()
    body = anthropic(turns=("Last?",))
    assert provider.edits(body)
    assert provider.edits(body, scope="another") == []


def test_nothing_is_proposed_to_the_first_call_of_all() -> None:
    assert Traffic().edits(anthropic()) == []
