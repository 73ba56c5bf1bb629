from __future__ import annotations

from penstock.engine.facts import facts_for
from penstock.evidence.store import Evidence
from penstock.levers.cache.hold import LOST_S, Siblings, Written, weigh, written
from penstock.money import PICO_PER_USD, Picodollars
from penstock.policy.load import load_policy
from penstock.wire.view import View
from tests.levers.cache.prompts import NOW, anthropic, chat, view_of

MARK = {"cache_control": {"type": "ephemeral"}}
LONG = Written(1, 5000, Picodollars(5000 * 4_000_000))
SHORT = Written(2, 1000, Picodollars(1000 * 4_000_000))


def _written(view: View) -> list[Written]:
    policy = load_policy("")
    return written(
        view,
        facts_for(view, task="t", policy=policy.defaults, levers=policy.levers, evidence=Evidence(), now=NOW),
    )


def test_t9_a_request_writes_the_prefixes_that_it_marks_and_siblings_write_the_same() -> None:
    (one,) = _written(view_of({**anthropic(turns=["Who pays?"]), "system": [{**_block(), **MARK}]}))
    (other,) = _written(view_of({**anthropic(turns=["Who else?"]), "system": [{**_block(), **MARK}]}))
    assert one == other
    assert one.tokens > 1000
    assert _written(view_of(anthropic())) == []
    assert _written(view_of({**anthropic(model="some-model"), **MARK})) == []


def _block() -> dict[str, str]:
    return {"type": "text", "text": "What each side owes the other, clause by clause. " * 200}


def test_t4_a_prefix_below_the_minimum_is_not_written() -> None:
    assert _written(view_of({**anthropic(system="Be brief."), **MARK})) == []


def test_t12_implicit_mode_writes_at_the_latest_message_and_explicit_mode_without_marks_nowhere() -> None:
    assert len(_written(view_of(chat()))) == 1
    assert _written(view_of(chat(prompt_cache_options={"mode": "explicit"}))) == []


def test_t9_waiting_must_save_more_than_the_longest_wait_costs_at_the_price_of_delay() -> None:
    cent = Picodollars(PICO_PER_USD // 100)
    one = LONG._replace(saving=cent)
    assert weigh(one, 1999, 0.005).pays
    assert not weigh(one, 2000, 0.005).pays
    assert weigh(one, 2000, 0.004).pays
    assert not weigh(LONG, 0, 0.0).pays


def test_the_arithmetic_of_a_wait_names_both_sides() -> None:
    assert weigh(LONG, 2000, 0.01).why == (
        "a sibling is writing the same 5,000 tokens: reading them in place of writing saves "
        "$0.0200 <= 2 s at $0.01 a second = $0.0200"
    )


def test_t9_the_first_of_several_writers_is_waited_for_until_its_answer_begins() -> None:
    siblings = Siblings()
    assert siblings.writer([LONG, SHORT], NOW) is None
    siblings.sending("a", [SHORT], NOW)
    siblings.sending("b", [LONG, SHORT], NOW)
    assert siblings.writer([LONG, SHORT], NOW) == (LONG, "b")
    assert siblings.writer([SHORT], NOW) == (SHORT, "a")
    woken: list[str] = []
    siblings.wait("a", lambda: woken.append("first"))
    siblings.wait("a", lambda: woken.append("second"))
    siblings.began("a", NOW + 1)
    siblings.began("a", NOW + 2)
    assert woken == ["first", "second"]
    assert siblings.latest == NOW + 1
    assert siblings.writer([SHORT], NOW) is None
    assert not siblings.on_its_way("a")
    siblings.wait("a", lambda: woken.append("late"))
    assert woken[-1] == "late"


def test_t9_a_failed_or_lost_writer_is_not_waited_for() -> None:
    siblings = Siblings()
    woken: list[int] = []
    siblings.sending("a", [LONG], NOW)
    siblings.wait("a", lambda: woken.append(1))
    siblings.over("a")
    assert woken == [1]
    assert siblings.latest == 0.0
    siblings.sending("b", [LONG], NOW)
    siblings.wait("b", lambda: woken.append(2))
    assert siblings.writer([LONG], NOW + LOST_S) is not None
    assert siblings.writer([LONG], NOW + LOST_S + 1) is None
    assert woken == [1, 2]
