from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.betting import NonInferiority
from penstock.evidence.gate import Gate, Identity, State, Terms, copied, merge_gates

TERMS = Terms(margin=0.05, span_s=3600.0, canary_calls=5)
WHO = Identity(reference="large-1", candidate="small-1", prompt="p1", schema="s1")


def fresh() -> Gate:
    return Gate("triage", "small", WHO, 0.0, NonInferiority(margin=TERMS.margin))


def fed(
    gate: Gate, differences: list[float], *, start: float = 0.0, step: float = 100.0, reference: float = 1.0
) -> Gate:
    for index, difference in enumerate(differences):
        gate.observe_pair(difference, at=start + index * step, terms=TERMS, reference=reference)
    return gate


def broken(gate: Gate) -> Gate:
    """Paired calls that the candidate loses, up to its demotion."""
    while gate.serving:
        fed(gate, [-1.0], start=9000.0)
    return gate


def in_canary() -> Gate:
    gate = fed(fresh(), [0.0] * 80)
    gate.start_canary(8000.0, TERMS, why="enough")
    return gate


def test_a_new_gate_names_every_obstacle() -> None:
    samples, span, floor = fresh().obstacles(TERMS)
    assert "0 of at least 60 samples" in samples
    assert "hours" in span
    assert "floor 0.50" in floor


def test_samples_time_and_a_sound_reference_clear_the_way() -> None:
    assert fed(fresh(), [0.0] * 60).obstacles(TERMS) == ()


def test_samples_of_one_minute_are_not_enough() -> None:
    (span,) = fed(fresh(), [0.0] * 80, step=0.5).obstacles(TERMS)
    assert "span" in span


def test_a_reference_that_scores_badly_is_an_obstacle_and_then_broken() -> None:
    gate = fed(fresh(), [1.0] * 60, reference=0.15)
    assert any("floor" in obstacle for obstacle in gate.obstacles(TERMS))
    assert gate.reference_is_broken(TERMS)
    assert not fed(fresh(), [0.0] * 60).reference_is_broken(TERMS)


def test_a_reference_without_scores_is_never_taken_as_sound() -> None:
    gate = fresh()
    for index in range(80):
        gate.observe_pair(0.0, at=index * 100.0, terms=TERMS)
    assert any("reference" in obstacle for obstacle in gate.obstacles(TERMS))
    assert not gate.reference_is_broken(TERMS)


def test_shares_follow_the_state() -> None:
    gate = in_canary()
    assert (gate.served_share(TERMS), gate.paired_share(TERMS)) == (0.1, 0.1)
    gate.move(State.PROMOTED, 9000.0, why="quiet", by="evidence")
    assert (gate.served_share(TERMS), gate.paired_share(TERMS)) == (1.0, 0.02)
    assert fresh().served_share(TERMS) == 0.0


def test_a_certified_gate_keeps_its_evidence_frozen() -> None:
    gate = in_canary()
    before = gate.log_e
    fed(gate, [-1.0], start=9000.0)
    assert gate.log_e == before
    assert gate.paired is not None
    assert gate.paired.n == 1


def test_falling_paired_scores_demote() -> None:
    gate = broken(in_canary())
    assert gate.state is State.DEMOTED
    assert gate.attempt == 1
    assert gate.history[-1].by == "detector"


def test_free_signals_demote_within_ten_calls() -> None:
    gate = in_canary()
    for index in range(10):
        gate.observe_served(accepted=False, at=9000.0 + index, terms=TERMS)
    assert gate.state is State.DEMOTED


def test_a_demoted_candidate_begins_with_nothing_and_half_the_alpha() -> None:
    again = fed(broken(in_canary()), [0.0] * 80, start=20_000.0)
    assert again.log_e == pytest.approx(fed(fresh(), [0.0] * 80).log_e - 0.6931471805599453)


def test_a_pinned_candidate_serves_on_and_the_alarm_is_on_record() -> None:
    gate = in_canary()
    gate.move(State.PROMOTED, 9000.0, why="mine", by="person:ana")
    gate.pinned = True
    fed(gate, [-1.0] * 60, start=9100.0)
    assert gate.state is State.PROMOTED
    assert "pinned" in gate.history[-1].why
    assert gate.retarget(msgspec.structs.replace(WHO, prompt="p9"), 9900.0, TERMS)
    assert gate.state is State.PROMOTED
    gate.restart(9950.0, TERMS, why="over", by="person:ana")
    assert not gate.pinned


def test_served_calls_are_not_counted_in_shadow() -> None:
    gate = fresh()
    gate.observe_served(accepted=False, at=1.0, terms=TERMS)
    assert (gate.served, gate.state) == (0, State.SHADOW)


@pytest.mark.parametrize(
    "change", [{"candidate": "small-2"}, {"prompt": "p2"}, {"schema": "s2"}, {"reference": "large-2"}]
)
def test_a_hard_trigger_returns_a_promoted_model_to_shadow(change: dict[str, str]) -> None:
    gate = in_canary()
    gate.move(State.PROMOTED, 9000.0, why="quiet", by="evidence")
    assert gate.retarget(msgspec.structs.replace(WHO, **change), 9500.0, TERMS)
    assert (gate.state, gate.test.n, gate.paired, gate.certified) == (State.SHADOW, 0, None, None)
    assert gate.history[-1].why == f"changed: {next(iter(change))}"


def test_the_same_identity_triggers_nothing() -> None:
    gate = in_canary()
    assert not gate.retarget(WHO, 9500.0, TERMS)
    assert gate.state is State.CANARY


def test_without_canary_calls_promotion_is_at_once() -> None:
    gate = fed(fresh(), [0.0] * 80)
    gate.start_canary(8000.0, msgspec.structs.replace(TERMS, canary_calls=0), why="enough")
    assert gate.state is State.PROMOTED


def test_the_history_is_bounded() -> None:
    gate = fresh()
    for index in range(300):
        gate.move(State.SHADOW, float(index), why="again", by="trigger")
    assert len(gate.history) == 200
    assert gate.history[-1].at == 299.0


def test_a_copy_shares_nothing_changeable() -> None:
    gate = in_canary()
    twin = copied(gate)
    assert twin == gate
    twin.reference.observe(0.5)
    assert twin != gate


PAIRS = st.lists(st.sampled_from([-1.0, 0.0, 0.0, 0.0, 0.5, 1.0]), max_size=40)


@given(PAIRS, PAIRS)
@settings(max_examples=40)
def test_two_workers_evidence_adds_up_in_either_order(one: list[float], two: list[float]) -> None:
    a, b = fed(fresh(), one), fed(fresh(), two, start=50.0)
    both = merge_gates(a, b)
    assert both == merge_gates(b, a)
    assert both.test.n == len(one) + len(two)
    assert both.reference.n == len(one) + len(two)


def test_the_later_state_wins_a_merge_and_its_evidence_stays_frozen() -> None:
    promoted, shadow = in_canary(), fed(fresh(), [0.0] * 10)
    for merged in (merge_gates(promoted, shadow), merge_gates(shadow, promoted)):
        assert merged.state is State.CANARY
        assert merged.log_e == promoted.log_e
        assert merged.test.n == 90


def test_detectors_of_two_workers_add_up() -> None:
    a, b = in_canary(), in_canary()
    fed(a, [-1.0], start=9000.0)
    fed(b, [-1.0], start=9000.0)
    merged = merge_gates(a, b)
    assert merged.paired is not None
    assert merged.paired.n == 2


def test_evidence_about_an_older_model_version_does_not_survive_a_merge() -> None:
    old, new = fed(fresh(), [0.0] * 80), fresh()
    new.retarget(msgspec.structs.replace(WHO, candidate="small-2"), 500.0, TERMS)
    for merged in (merge_gates(old, new), merge_gates(new, old)):
        assert merged.identity.candidate == "small-2"
        assert merged.test.n == 0


def test_a_demotion_elsewhere_outweighs_evidence_of_the_attempt_before() -> None:
    demoted, other = broken(in_canary()), fed(fresh(), [0.0] * 30)
    merged = merge_gates(other, demoted)
    assert (merged.state, merged.attempt, merged.test.n) == (State.DEMOTED, 1, 0)


def _answers(gate: Gate, asked_again: list[bool], *, by_candidate: bool) -> Gate:
    for again in asked_again:
        gate.observe_settled(again=again, by_candidate=by_candidate, at=9000.0, terms=TERMS)
    return gate


def test_users_who_ask_the_candidate_again_more_often_than_the_reference_demote_it() -> None:
    usual = [index % 20 == 0 for index in range(400)]
    gate = _answers(fed(fresh(), [0.0] * 80), usual, by_candidate=False)
    gate.start_canary(8000.0, TERMS, why="enough")
    _answers(gate, usual * 3, by_candidate=True)
    assert gate.serving
    _answers(gate, [index % 2 == 0 for index in range(100)], by_candidate=True)
    assert (gate.state, gate.history[-1].why) == (State.DEMOTED, "more users asked the same again")


def test_what_users_ask_the_reference_again_while_the_candidate_serves_is_not_its_fault() -> None:
    gate = _answers(in_canary(), [True] * 200, by_candidate=False)
    assert gate.serving
    assert gate.settled.n == 0
