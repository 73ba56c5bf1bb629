from __future__ import annotations

import pytest

from penstock.audit.detectors.long_answers import find
from penstock.audit.finding import Finding, Measure
from tests.audit.traffic import START, Provider, audit_input, one_shot

SCHEMA = {"format": {"type": "json_schema", "schema": {"type": "object"}}}


def found(lengths: list[int], *, finish: str = "end_turn", **more: object) -> list[Finding]:
    provider = Provider()
    return find(
        audit_input(
            [
                provider.call(one_shot("s", f"q{k}", **more), START + k * 200.0, output=length, finish=finish)
                for k, length in enumerate(lengths)
            ]
        )
    )


def test_what_half_of_the_answers_do_without_is_a_question_with_the_price_of_the_rest() -> None:
    (one,) = found([200] * 20 + [800] * 10)
    assert (one.kind, one.measure, one.calls) == ("long_answers", Measure.QUESTION, 10)
    # 600 tokens of ten answers at $25 a million, less 15 of each of thirty prompts at $5.
    assert one.dollars == 10 * 600 * 25_000_000 - 30 * 15 * 5_000_000
    assert one.fix == one.opt_in == {}
    assert one.gated["brevity"] == {"enabled": True, "instruction": "Answer in at most 150 words."}
    assert one.gated["gate"]["edits"] == ["brevity"]


def test_answers_of_one_length_and_short_ones_are_no_finding() -> None:
    assert found([400] * 30) == []
    assert found([100] * 20 + [140] * 10) == []
    assert found([200] * 10 + [800] * 5) == []


def test_what_an_instruction_does_not_shorten_is_no_finding() -> None:
    uneven = [200] * 20 + [800] * 10
    assert found(uneven, output_config=SCHEMA) == []
    assert found(uneven, finish="max_tokens") == []
    assert found(uneven, thinking={"type": "enabled", "budget_tokens": 1024}) == []


def test_answers_that_are_a_small_part_of_the_bill_are_no_finding() -> None:
    long_prompt = "word " * 40_000
    provider = Provider()
    calls = [
        provider.call(one_shot("s", f"{k} {long_prompt}"), START + k * 200.0, output=200 if k % 3 else 800)
        for k in range(30)
    ]
    assert find(audit_input(calls)) == []


@pytest.mark.parametrize("count", [31, 44])
def test_the_longer_ones_are_those_beyond_the_middle_one(count: int) -> None:
    (one,) = found([200 + k for k in range(count)])
    assert one.calls == count // 2
