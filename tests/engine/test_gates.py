from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.gates import DAY_S, Gates, question_of, terms_of
from penstock.engine.trial import Trial, digest, same_model
from penstock.evidence.asked_again import words_of
from penstock.evidence.gate import Identity, State
from penstock.evidence.gatebook import GateBook
from penstock.evidence.scores import PairScore
from penstock.money import Picodollars
from penstock.policy.load import load_policy
from penstock.policy.schema import GatePolicy, Policy
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.playbook import NOW, incoming, messages

CHEAP = "claude-haiku-4-5"
POLICY = load_policy(f'[tasks.t.gate]\ncandidate = "{CHEAP}"\nshadow_share = 0.5\n')


def _enter(gates: Gates, policy: Policy = POLICY, call_id: str = "c", system: str = "s") -> Trial:
    request = incoming(messages("x", system=system), call_id=call_id)
    trial = gates.enter(_view(system), "t", policy, request)
    assert trial is not None
    return trial


def _view(system: str = "s") -> View:
    request = incoming(messages("x", system=system))
    return read_request(request.dialect, request.raw)


def test_a_task_without_a_gate_or_with_one_that_is_off_has_no_trial() -> None:
    gates = Gates(GateBook())
    assert gates.enter(_view(), "other", POLICY, incoming(messages("x"))) is None
    off = load_policy(f'[tasks.t.gate]\ncandidate = "{CHEAP}"\nenabled = false\n')
    assert gates.enter(_view(), "t", off, incoming(messages("x"))) is None
    assert gates.book.gates == {}


def test_the_share_of_paired_calls_is_the_policy_s_and_a_call_s_draw_stays() -> None:
    gates = Gates(GateBook())
    drawn = [_enter(gates, call_id=f"c{n}").paired for n in range(600)]
    assert 240 < sum(drawn) < 360
    assert drawn == [_enter(Gates(GateBook()), call_id=f"c{n}").paired for n in range(600)]


def test_a_held_candidate_neither_serves_nor_is_shadowed() -> None:
    gates = Gates(GateBook())
    _enter(gates)
    gates.book.hold("t", CHEAP, at=NOW, by="ann", why="a test")
    trials = [_enter(gates, call_id=f"c{n}") for n in range(50)]
    assert not any(trial.paired or trial.serves for trial in trials)


def test_promotion_by_hand_survives_the_first_dated_version() -> None:
    gates = Gates(GateBook())
    _enter(gates)
    gates.book.promote("t", CHEAP, at=NOW, by="ann", why="a test")
    trial = _enter(gates)
    assert trial.promoted == {CHEAP}
    gates.served(trial, accepted=True, version=f"{CHEAP}-20251001", at=NOW)
    gate = gates.book.gates["t"][CHEAP]
    assert (gate.state, gate.identity.candidate) == (State.PROMOTED, f"{CHEAP}-20251001")
    gates.served(trial, accepted=True, version=f"{CHEAP}-20261001", at=NOW)
    assert gate.state is State.SHADOW


def test_a_margin_that_the_policy_changed_begins_anew() -> None:
    gates = Gates(GateBook())
    _enter(gates)
    gates.book.promote("t", CHEAP, at=NOW, by="ann", why="a test")
    assert not _enter(gates, load_policy(f'[tasks.t.gate]\ncandidate = "{CHEAP}"\neps = 0.01\n')).serves
    assert gates.book.gates["t"][CHEAP].test.margin == 0.01


def test_the_smallest_alpha_of_all_tasks_is_that_of_the_book() -> None:
    gates = Gates(GateBook())
    both = load_policy(
        f'[tasks.t.gate]\ncandidate = "{CHEAP}"\nalpha = 0.01\n[tasks.u.gate]\ncandidate = "{CHEAP}"\nalpha = 0.04\n'
    )
    for task in ("u", "t", "u"):
        gates.enter(_view(), task, both, incoming(messages("x")))
    assert gates.book.terms.alpha == 0.01


def test_a_review_after_one_task_s_call_decides_about_the_others_by_their_own_terms() -> None:
    policy = load_policy(
        f'[tasks.t.gate]\ncandidate = "{CHEAP}"\n[tasks.u.gate]\ncandidate = "{CHEAP}"\nmin_days = 9.0\n'
    )
    gates = Gates(GateBook())
    other = gates.book.gate("u", Identity(reference="claude-opus-5-5", candidate=CHEAP), at=NOW)
    for number in range(400):
        other.observe_pair(0.0, at=NOW + 1000.0 * number, terms=gates.book.terms, reference=1.0)
    trial = _enter(gates, policy)
    gates.pair(trial, PairScore(0.0, 1.0, accepted=True, rule="equal"), reference="", candidate="", at=NOW)
    assert other.state is State.SHADOW


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3 * 10**12), max_size=12))
def test_shadows_are_affordable_until_the_day_s_bound_is_reached(costs: list[int]) -> None:
    gates, spent = Gates(GateBook()), 0
    trial = _enter(gates)
    for cost in costs:
        assert gates.affords(trial, NOW) == (spent < 5 * 10**12)
        gates.spend(trial, Picodollars(cost), NOW)
        spent += cost
    assert gates.affords(trial, NOW + DAY_S)


def test_changes_are_told() -> None:
    gates, told = Gates(GateBook()), []
    gates.changed = lambda gate: told.append(gate.state)
    _enter(gates)
    _enter(gates)
    assert told == [State.SHADOW]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(CHEAP, f"{CHEAP}-20251001", True), (CHEAP, "claude-opus-5-5", False), ("x", "x", True), ("x", "y", False)],
)
def test_dates_do_not_make_another_model(one: str, other: str, same: bool) -> None:
    assert same_model(one, other) is same


def test_terms_are_the_section_s_and_digests_keep_parts_apart() -> None:
    terms = terms_of(GatePolicy(candidate=CHEAP, eps=0.03, min_days=2.0, floor=0.7))
    assert (terms.margin, terms.span_s, terms.reference_floor) == (0.03, 2 * DAY_S, 0.7)
    assert digest("a", "b") != digest("ab", "")


def test_a_tier_s_first_model_of_the_call_s_provider_is_the_candidate() -> None:
    text = '[tiers.small]\nanthropic = ["claude-haiku-4-5", "claude-sonnet-4-5"]\n[tasks.t.gate]\ncandidate = "small"\n'
    gates = Gates(GateBook())
    trial = _enter(gates, load_policy(text))
    assert trial.candidate == CHEAP
    assert set(gates.book.gates["t"]) == {CHEAP}
    of_openai = read_request(Dialect.OPENAI_CHAT, b'{"model":"gpt-5","messages":[{"role":"user","content":"x"}]}')
    assert gates.enter(of_openai, "t", load_policy(text), incoming(messages("x"))) is None


def test_a_question_is_the_user_s_newest_text() -> None:
    body = messages("first words here", "an answer", "newest words stand here")
    view = read_request(Dialect.ANTHROPIC_MESSAGES, incoming(body).raw)
    question = question_of(view, "t", "s")
    assert question.words == words_of("newest words stand here")
    assert (question.task, question.session, question.prompt) == ("t", "s", view.segments[-1].prefix)
