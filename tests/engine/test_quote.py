from __future__ import annotations

import pytest

from penstock.cachemodel.admission import Admission, Split
from penstock.engine.quote import Quote, foreseen_quote, quote
from penstock.models.profile import Regime
from penstock.unknown import Unknown
from penstock.wire.usage import Basis
from tests.levers.build import facts_of, view_of
from tests.playbook import messages


def _foreseen(**parts: int) -> Quote:
    view = view_of(messages("x"))
    admission = Admission(regime=Regime.ANTHROPIC, at=0.0, split=Split(**parts))
    return foreseen_quote(view.model, admission, facts_of(view).prices, 10)


def test_a_plain_estimate_takes_the_whole_prompt_as_uncached() -> None:
    view = view_of(messages("word " * 100))
    facts = facts_of(view)
    found = quote(view, facts, Unknown("never seen"))
    assert found.price == facts.input_tokens * 4_000_000
    assert (found.covers, found.basis) == ("prompt only", Basis.ESTIMATED)
    assert found.as_json()["tokens"]["output"] is None


def test_a_known_answer_is_in_the_price() -> None:
    view = view_of(messages("word " * 100))
    facts = facts_of(view)
    found = quote(view, facts, 10)
    assert found.price == facts.input_tokens * 4_000_000 + 10 * 20_000_000
    assert found.covers == "prompt and answer"


def test_the_arithmetic_shows_every_bucket_that_holds_something() -> None:
    found = _foreseen(plain=100, read=12_000, write_5m=2_000)
    assert found.arithmetic() == (
        "12,000 read x $0.2/M + 2,000 written for 5m x $5/M + 100 plain x $4/M + 10 output x $20/M = $0.0130"
    )
    assert found.basis is Basis.DERIVED
    assert found.as_json()["price"] == 13_000_000_000


def test_a_bucket_without_a_price_makes_the_sum_unknown_and_says_which() -> None:
    text = _foreseen(plain=0, write_30m=5).arithmetic()
    assert "5 written for 30m x unknown" in text
    assert "= unknown (" in text


def test_an_unknown_model_has_no_price() -> None:
    view = view_of(messages("x", model="who-knows"))
    found = quote(view, facts_of(view), 3)
    assert isinstance(found.price, Unknown)
    assert found.arithmetic().startswith("unknown (no price for model")
    assert found.as_json()["price"] is None


@pytest.mark.parametrize("output", [0, 7])
def test_an_empty_prompt_costs_its_answer(output: int) -> None:
    view = view_of(messages())
    assert quote(view, facts_of(view), output).price == output * 20_000_000
