from __future__ import annotations

from typing import Any

from penstock.engine.facts import length_key
from penstock.engine.observe import learn
from penstock.evidence.store import Evidence
from penstock.wire.answer import Answer
from penstock.wire.usage import Usage
from tests.levers.build import view_of
from tests.playbook import NOW, messages

VIEW = view_of(messages("word " * 500))
KEY = length_key("t", VIEW)


def _learn(evidence: Evidence, usage: Usage | None, answer: Answer | None = None, **more: Any) -> None:
    learn(evidence, VIEW, "t", usage, answer, at=NOW, **more)


def test_lengths_and_counts_are_learnt_from_reported_usage() -> None:
    evidence = Evidence()
    _learn(evidence, Usage(input_uncached=2000, output=30), Answer(text="x", finish="stop"))
    lengths = evidence.lengths.of(KEY)
    assert lengths is not None
    assert lengths.whole == {30: 1}
    assert evidence.calibration.by_model[VIEW.model].provider == 2000


def test_t27_a_cut_answer_is_learnt_as_cut_and_our_caps_are_counted() -> None:
    evidence = Evidence()
    _learn(evidence, Usage(input_uncached=2000, output=30), Answer(text="x", truncated=True), capped=True)
    lengths = evidence.lengths.of(KEY)
    assert lengths is not None
    assert (lengths.whole, lengths.cut, lengths.ours, lengths.ours_cut) == ({}, {30: 1}, 1, 1)


def test_t27_an_answer_that_is_asked_for_again_counts_only_against_our_cap() -> None:
    evidence = Evidence()
    usage = Usage(input_uncached=2000, output=30)
    _learn(evidence, usage, Answer(text="x", truncated=True), capped=True, asked_again=True)
    lengths = evidence.lengths.of(KEY)
    assert lengths is not None
    assert (lengths.count, lengths.ours, lengths.ours_cut) == (0, 1, 1)


def test_without_usage_no_length_is_learnt() -> None:
    evidence = Evidence()
    _learn(evidence, None)
    assert evidence.lengths.by_key == {}
    assert evidence.calibration.by_model == {}


def test_calibration_settles_on_what_the_provider_counts() -> None:
    evidence = Evidence()
    for _ in range(30):
        _learn(evidence, Usage(input_uncached=2000, output=1))
    first = evidence.calibration.factor(VIEW.model)
    for _ in range(30):
        _learn(evidence, Usage(input_uncached=2000, output=1))
    assert abs(evidence.calibration.factor(VIEW.model) - first) <= 0.03
