from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import UsageError
from penstock.simulator.faults import Fault, FaultBook, FaultRule, parse_fault, parse_header, parse_rules


def test_a_fault_is_a_kind_with_an_optional_number() -> None:
    assert parse_fault("529") == Fault("529")
    assert parse_fault("429=2.5") == Fault("429", 2.5)
    assert parse_fault(" cut-stream=3 ") == Fault("cut-stream", 3.0)


def test_a_rule_adds_conditions() -> None:
    assert parse_rules("429@nth=2; cut-stream=3@p=0.25@model=claude@path=/v1/messages@times=4") == [
        FaultRule(fault=Fault("429"), nth=2),
        FaultRule(fault=Fault("cut-stream", 3.0), probability=0.25, model="claude", path="/v1/messages", times=4),
    ]


def test_a_header_may_ask_for_several_faults() -> None:
    assert parse_header("no-usage, slow-first-byte=0.1") == [Fault("no-usage"), Fault("slow-first-byte", 0.1)]


@pytest.mark.parametrize(
    "spec",
    [
        "meteor",
        "cut-stream",
        "cut-stream=1.5",
        "cut-stream=many",
        "slow-first-byte=-1",
        "429@nth=0",
        "429@nth=1.5",
        "429@when=now",
        "429@p",
        "429=nan",
    ],
)
def test_a_wrong_spec_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError):
        parse_rules(spec)


def test_conditions_choose_the_calls() -> None:
    book = FaultBook(parse_rules("500@nth=2@path=/v1/messages, 529@times=1@model=gpt"))
    assert book.faults_for("/v1/messages", "claude-x") == []
    assert book.faults_for("/v1/messages", "claude-x") == [Fault("500")]
    assert book.faults_for("/v1/messages", "claude-x") == []
    assert book.faults_for("/v1/responses", "gpt-5") == [Fault("529")]
    assert book.faults_for("/v1/responses", "gpt-5") == []


def test_a_probability_follows_the_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        book = FaultBook(parse_rules("500@p=0.3"), seed=seed)
        return [bool(book.faults_for("/", "")) for _ in range(400)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert 80 < sum(drawn(1)) < 160


def test_replacing_rules_starts_their_counts_anew() -> None:
    book = FaultBook(parse_rules("500@nth=1"))
    assert book.faults_for("/", "")
    book.replace(parse_rules("500@nth=1"))
    assert book.faults_for("/", "")
    book.add(FaultRule(fault=Fault("529")))
    assert book.faults_for("/", "") == [Fault("529")]
    assert len(book.rules) == 2


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_spec_or_a_usage_error(text: str) -> None:
    try:
        rules = parse_rules(text)
    except UsageError:
        return
    assert all(isinstance(rule, FaultRule) for rule in rules)
