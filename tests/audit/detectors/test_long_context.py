from __future__ import annotations

import pytest

from penstock.audit.detectors.long_context import find
from penstock.audit.finding import Measure
from penstock.wire.recorded import RecordedCall
from tests.audit.traffic import START, Provider, audit_input, one_shot, words


def retrieving(calls: int, tokens: int, *, output: int = 50) -> list[RecordedCall]:
    provider = Provider()
    found = []
    for k in range(calls):
        pieces = "".join(f"<document>{words(tokens // 8, f'd{k}p{n}x')}</document>\n" for n in range(8))
        found.append(
            provider.call(one_shot("Answer from the documents.", pieces + "When?"), START + k * 60, output=output)
        )
    return found


def test_t25_more_than_4000_tokens_of_retrieved_text_is_a_question_with_the_price_of_the_rest() -> None:
    (found,) = find(audit_input(retrieving(10, 10_000)))
    assert (found.measure, found.calls) == (Measure.QUESTION, 10)
    assert found.evidence["mean_retrieved_tokens"] == pytest.approx(10_000, rel=0.05)
    assert found.dollars == pytest.approx(10 * 6_000 * 5_000_000, rel=0.1)
    assert found.fix == {}
    assert found.opt_in == {}
    assert found.gated["trim"] == {"enabled": True, "retrieved_tokens": 4000}
    assert found.gated["gate"]["edits"] == ["trim"]


def test_less_is_no_finding() -> None:
    assert find(audit_input(retrieving(10, 3_000))) == []
