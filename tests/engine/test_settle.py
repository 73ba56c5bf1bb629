from __future__ import annotations

from penstock.engine.again import Again
from penstock.engine.attempt import read_attempt
from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.settle import edit_record, extra_send, record_of, tier_label
from penstock.engine.steps import Send
from penstock.models.prices import TABLE_VERSION
from penstock.models.tiers import Tier
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Basis
from tests.levers.build import view_of
from tests.playbook import answer, incoming, messages

SEND = Send(body=b"{}", model="claude-opus-5-5", dialect=Dialect.ANTHROPIC_MESSAGES)


def _edit(saving: Picodollars | Unknown) -> Edit:
    return Edit(lever="cap", path=("a",), action=Action.SET, value=b"secret", why="w", saving=saving, risk=Risk.LOSSY)


def test_a_record_of_an_edit_holds_no_value_and_unknown_as_none() -> None:
    assert edit_record(_edit(Picodollars(3))).saving == 3
    assert edit_record(_edit(Unknown("?"))).saving is None
    assert b"secret" not in repr(edit_record(_edit(Picodollars(3)))).encode()


def test_tiers_have_one_word_and_a_region_behind_it() -> None:
    assert tier_label(Tier()) == "standard"
    assert tier_label(Tier("batch", "us")) == "batch/us"


def test_an_extra_send_keeps_its_fate_reason_and_cost() -> None:
    attempt = read_attempt(SEND, None, answer(plain=10, output=1))
    again = Again(view_of(messages("x")), "retry", "truncated", "the answer was cut at our cap")
    extra = extra_send(attempt, again)
    assert (extra.purpose, extra.model, extra.status) == ("truncated", "claude-opus-5-5", 200)
    assert extra.cost == 10 * 4_000_000 + 20_000_000


def test_a_record_without_a_plan_has_what_the_answer_told() -> None:
    attempt = read_attempt(SEND, None, answer(plain=10, output=1))
    call = record_of(
        incoming(b"{", tags={"a": "b"}), None, attempt, (), task="t", arm="bypass",
        before=(attempt.cost, Basis.PROVIDER), predicted=None,
    )  # fmt: skip
    assert (call.model_asked, call.prompt, call.edits, call.tags) == ("claude-opus-5-5", "", (), {"a": "b"})
    assert call.price_table == TABLE_VERSION
    assert call.saved == 0
