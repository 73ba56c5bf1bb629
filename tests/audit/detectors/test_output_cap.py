from __future__ import annotations

import math

from penstock.audit.detectors.output_cap import find
from penstock.audit.finding import Measure, Pool
from penstock.wire.recorded import RecordedCall
from tests.audit.traffic import START, Provider, audit_input, one_shot


def answers(lengths: list[int], **more: object) -> list[RecordedCall]:
    provider = Provider()
    return [
        provider.call(one_shot("s", f"q{k}", **more), START + k * 60, output=length)  # type: ignore[arg-type]
        for k, length in enumerate(lengths)
    ]


def test_the_cap_is_1_2_times_the_expected_size_with_the_truncation_it_would_have_caused() -> None:
    lengths = [100 + k % 50 for k in range(298)] + [160, 1000]
    (found,) = find(audit_input(answers(lengths)))
    assert found.evidence["expected_tokens"] >= 160
    assert found.evidence["cap"] == math.ceil(1.2 * found.evidence["expected_tokens"])
    cut = sum(length > found.evidence["cap"] for length in lengths)
    assert (found.evidence["would_cut"], found.evidence["answers"]) == (cut, 300)
    literal = math.ceil(1.2 * found.evidence["mean_tokens"])
    assert found.evidence["cap_at_1.2_x_mean"] == literal
    assert found.evidence["would_cut_share_at_1.2_x_mean"] > 0
    assert found.pool is Pool.OUTPUT


def test_a_runaway_beyond_the_cap_saves_its_tail_less_a_second_answer() -> None:
    lengths = [100] * 1000 + [4000]
    (found,) = find(audit_input(answers(lengths)))
    cap = found.evidence["cap"]
    assert cap == 120
    # The tail of 3,880 tokens is saved and the whole call, 4,000 tokens and its prompt, is paid again.
    assert found.evidence["would_cut"] == 1
    assert isinstance(found.dollars, int)
    assert found.dollars < 0
    assert found.measure is Measure.ADVICE
    assert found.fix == {"cap": {"enabled": True}}


def test_t26_no_cap_from_too_few_answers() -> None:
    assert find(audit_input(answers([100] * 58))) == []
    assert len(find(audit_input(answers([100] * 59)))) == 1


def test_t26_hidden_reasoning_and_structured_output_get_headroom() -> None:
    (found,) = find(audit_input(answers([100] * 70, thinking={"type": "enabled", "budget_tokens": 1024})))
    assert found.evidence["headroom_for"] == ["hidden reasoning"]
    assert found.evidence["cap"] == math.ceil(1.2 * 100 * 1.5)
    assert "because of hidden reasoning" in found.detail


def test_t27_cut_answers_are_lower_bounds_and_make_no_cap_below_them() -> None:
    provider = Provider()
    calls = [
        provider.call(
            one_shot("s", f"q{k}"),
            START + k,
            output=200 if k % 5 else 1024,
            finish="end_turn" if k % 5 else "max_tokens",
        )
        for k in range(100)
    ]
    # A fifth of the answers were cut at 1,024: how long they would have been is not known, so there is no bound.
    assert find(audit_input(calls)) == []


def test_caps_that_are_low_already_are_said() -> None:
    (found,) = find(audit_input(answers([100] * 70, max_tokens=110)))
    assert "capped at or below that already" in found.detail
    assert found.evidence["caps_in_use"] == [110]
