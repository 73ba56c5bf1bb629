from __future__ import annotations

from penstock.audit.proof_words import caution_sentences, interval_text, proof_sentences
from penstock.audit.realised import realised
from penstock.evidence.proof import Interval
from tests.audit.test_realised import traffic
from tests.ledger.calls import call


def test_the_result_comes_first_and_the_projection_after_it() -> None:
    sentences = list(proof_sentences(realised(traffic())))
    assert sentences[0].tone == "result"
    assert sentences[0].text.startswith("Realised saving 3")
    assert [one.text for one in sentences if one.text.startswith("Projected: 30")]
    assert {one.tone for one in sentences} == {"result", "plain", "detail"}


def test_too_little_data_says_what_is_missing() -> None:
    first, second, *_ = proof_sentences(realised([call(1, arm="bypass")]))
    assert first.text.startswith("Not enough to say: ")
    assert second.text == "0 treated and 0 held-back sessions were seen; 20 of each are the least."


def test_an_interval_that_holds_zero_is_not_told_from_chance() -> None:
    texts = [one.text for one in proof_sentences(realised(traffic(saving=0.0))) if one.tone == "caution"]
    assert [text for text in texts if text.startswith("The interval holds zero")]
    assert interval_text(Interval(0.0, float("-inf"), 0.25)) == "no bound to 25.0%"


def test_what_is_left_out_is_counted() -> None:
    texts = [one.text for one in caution_sentences(realised([call(1, arm="bypass")]))]
    assert texts == ["left out, 1 calls: arm bypass: not part of the draw"]
