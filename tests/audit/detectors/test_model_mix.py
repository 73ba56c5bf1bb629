from __future__ import annotations

import json

import msgspec
import pytest

from penstock.audit.detectors.model_mix import find
from penstock.audit.finding import Measure
from penstock.wire.recorded import RecordedCall
from tests.audit.traffic import START, Provider, audit_input, one_shot, static_prompts


def short(model: str, calls: int = 30, **more: object) -> list[RecordedCall]:
    provider = Provider()
    return [
        provider.call(one_shot("s", f"question {k}", model=model, **more), START + k, output=5)  # type: ignore[arg-type]
        for k in range(calls)
    ]


def test_short_answers_of_a_large_model_are_a_question_about_a_small_one() -> None:
    (found,) = find(audit_input(short("claude-opus-5")))
    assert found.measure is Measure.QUESTION
    assert found.evidence["candidate"] == "claude-haiku-5-5"
    assert found.fix == {}
    assert found.opt_in == {}
    assert found.gated == {"gate": {"candidate": "claude-haiku-5-5", "judge": "claude-opus-5"}}
    assert "quality gate" in found.detail


def test_t16_the_price_is_of_the_small_models_own_tokens() -> None:
    calls = static_prompts(30, model="claude-sonnet-4-5")
    data = audit_input(calls)
    (found,) = find(data)
    paid = sum(int(row.cost) for row in data.rows if isinstance(row.cost, int))
    # Haiku 5.5 counts 1.3 tokens for one of Sonnet 4.5's, at 0.10 and 0.50 instead of 3 and 15 USD.
    assert found.dollars == pytest.approx(paid * (1 - 1.3 / 30), rel=0.001)


def test_small_models_few_calls_long_answers_and_tools_are_no_question() -> None:
    assert find(audit_input(short("claude-haiku-5-5"))) == []
    assert find(audit_input(short("claude-opus-5", calls=10))) == []
    provider = Provider()
    long = [provider.call(one_shot("s", f"q{k}"), START + k, output=900) for k in range(30)]
    assert find(audit_input(long)) == []
    called = short("claude-opus-5")
    answer = json.loads(called[0].response or b"{}")
    answer["content"].append({"type": "tool_use", "id": "t", "name": "n", "input": {}})
    called[0] = msgspec.structs.replace(called[0], response=json.dumps(answer).encode())
    assert find(audit_input(called)) == []
