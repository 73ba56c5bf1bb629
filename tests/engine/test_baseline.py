from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.cachemodel.admission import Admission, Split
from penstock.engine.baseline import as_foreseen, as_measured
from penstock.engine.context import EngineContext
from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.engine.pipeline import Lever
from penstock.models.profile import Regime
from penstock.money import Picodollars
from penstock.policy.load import load_policy
from penstock.wire.segments import Marker
from penstock.wire.usage import Basis, Usage
from penstock.wire.view import View
from tests.playbook import NOW, Playbook, answer, incoming, messages

APPLY = 'mode = "apply"\nholdback.share = 0.0\n'
SYSTEM = "You are kind. " * 1000
READ, WRITE, PLAIN, OUT = 200_000, 5_000_000, 4_000_000, 20_000_000
"""claude-opus-5-5, picodollars per token."""


def _mark_system(view: View, facts: Facts) -> list[Edit]:
    operation = view.mark(view.segments[0], Marker("5m"))
    return [
        Edit(
            lever="cache", path=operation.path, action=Action(operation.action), value=operation.value,
            why="a test", saving=Picodollars(1), risk=Risk.EXACT,
        )
    ]  # fmt: skip


def _playbook() -> Playbook:
    return Playbook(EngineContext(load_policy(APPLY), levers=[Lever("cache", _mark_system)]))


def _request(number: int, **more: Any) -> Any:
    return incoming(
        messages(f"question {number}", system=SYSTEM), call_id=f"c{number}", started_at=NOW + 10 * number, **more
    )


def _usage(plain: int, read: int, write: int) -> dict[str, Any]:
    return {"cache_read_input_tokens": read, "cache_creation_input_tokens": write, "input_tokens": plain}


def test_t18_a_call_that_was_not_cached_before_is_measured_against_its_plain_price() -> None:
    play = _playbook()
    first = play.call(_request(0), answer(usage_more=_usage(10, 0, 4000), at=NOW, output=5)).call
    assert first.cost == 10 * PLAIN + 4000 * WRITE + 5 * OUT
    assert (first.cost_before, first.basis_before) == (4010 * PLAIN + 5 * OUT, Basis.DERIVED)
    second = play.call(_request(1), answer(usage_more=_usage(10, 4000, 0), at=NOW + 10, output=5)).call
    assert second.cost_before == 4010 * PLAIN + 5 * OUT
    assert second.saved == 4000 * (PLAIN - READ)


def test_t18_a_call_that_was_cached_before_is_measured_against_its_own_caching() -> None:
    """The client marks its system text itself; another lever changes something else."""

    def tag(view: View, facts: Facts) -> list[Edit]:
        return [
            Edit(lever="cache", path=("metadata",), action=Action.SET, value=b"{}", why="", saving=Picodollars(0),
                 risk=Risk.EXACT)
        ]  # fmt: skip

    play = Playbook(EngineContext(load_policy(APPLY), levers=[Lever("cache", tag)]))
    control = {"type": "ephemeral"}
    saved = []
    for number in range(2):
        body = messages(f"question {number}", system=[{"type": "text", "text": SYSTEM, "cache_control": control}])
        request = incoming(body, call_id=f"c{number}", started_at=NOW + 10 * number)
        usage = _usage(10, 0, 4000) if number == 0 else _usage(10, 4000, 0)
        call = play.call(request, answer(usage_more=usage, at=NOW + 10 * number)).call
        assert call.cost is not None
        assert call.cost_before is not None
        saved.append(call.saved)
    assert saved == [0, 0]


def test_t18_the_baseline_follows_the_clients_bytes_through_an_expiry() -> None:
    play = _playbook()
    play.call(_request(0), answer(usage_more=_usage(10, 0, 4000), at=NOW))
    late = incoming(messages("late", system=SYSTEM), call_id="late", started_at=NOW + 4000)
    call = play.call(late, answer(usage_more=_usage(10, 0, 4000), at=NOW + 4000)).call
    assert call.saved == 4000 * (PLAIN - WRITE) < 0


def test_in_observe_mode_before_is_what_was_paid() -> None:
    play = Playbook(EngineContext(load_policy(""), levers=[Lever("cache", _mark_system)]))
    call = play.call(_request(0), answer(usage_more=_usage(4010, 0, 0), at=NOW)).call
    assert (call.cost_before, call.basis_before, call.saved) == (call.cost, Basis.PROVIDER, 0)


def test_a_routed_call_is_brought_back_to_the_clients_tokenizer_and_prices() -> None:
    """Opus 5.5 counts about 1.3 times the tokens of Haiku 4.5 for the same text (T16)."""
    policy = APPLY + '[tasks.t.route]\nmodel = "claude-haiku-4-5"\ncascade = false\n'
    play = Playbook(EngineContext(load_policy(policy)))
    body = messages("word " * 4000, thinking={"type": "adaptive"})
    call = play.call(incoming({**body, "max_tokens": 9000}, task="t"), answer(plain=4000, output=100)).call
    assert call.model_sent == "claude-haiku-4-5"
    assert call.cost_before is not None
    prompt = (call.cost_before - 100 * OUT) / PLAIN
    assert 1.2 < prompt / 4000 < 1.4


def test_an_answer_without_usage_has_no_known_baseline() -> None:
    play = _playbook()
    call = play.call(_request(0), answer(usage_more={"input_tokens": None, "output_tokens": None})).call
    assert (call.cost, call.cost_before) == (None, None)


def test_the_prediction_is_recorded_beside_what_was_billed() -> None:
    play = _playbook()
    first = play.call(_request(0), answer(usage_more=_usage(10, 0, 4000), at=NOW)).call
    second = play.call(_request(1), answer(usage_more=_usage(10, 4000, 0), at=NOW + 10)).call
    assert first.predicted is not None
    assert first.predicted.cache_write_5m > 3000
    assert second.predicted is not None
    assert second.predicted.cache_read > 3000


def test_t18_the_boundaries_that_the_provider_reported_are_those_of_the_baseline() -> None:
    """We foresaw 900 read of 1,000 with our mark and 500 without; the provider counted 1,800 of 2,000 read."""
    without = Admission(regime=Regime.ANTHROPIC, at=0.0, split=Split(read=500, plain=500))
    with_ours = Split(read=900, plain=100)
    usage = as_measured(without, with_ours, Usage(input_uncached=200, cache_read=1800, output=1))
    assert (usage.cache_read, usage.input_uncached) == (1000, 1000)


def test_t18_where_the_forecast_was_wrong_the_baseline_falls_back_to_proportion() -> None:
    without = Admission(regime=Regime.ANTHROPIC, at=0.0, split=Split(read=500, plain=500))
    usage = as_measured(without, Split(read=900, plain=100), Usage(input_uncached=2000, output=1))
    assert (usage.cache_read, usage.input_uncached) == (1000, 1000)


counts = st.integers(0, 10**6)


@settings(max_examples=80, deadline=None)
@given(st.lists(counts, min_size=6, max_size=6), counts, st.sampled_from(list(Regime)))
def test_a_foreseen_split_adds_up_to_the_providers_count(parts: list[int], counted: int, regime: Regime) -> None:
    names = ("plain", "read", "write_5m", "write_1h", "write_30m", "write_12h")
    split = Split(**dict(zip(names, parts, strict=True)))
    usage = as_foreseen(Admission(regime=regime, at=0.0, split=split), counted, Usage(input_uncached=0, output=7))
    assert (usage.input_total, usage.output) == (counted, 7)
    if regime is Regime.OPENAI_GRID:
        assert usage.cache_read % 128 == 0


splits = st.builds(Split, plain=counts, read=counts, write_5m=counts, write_1h=counts)


@settings(max_examples=150, deadline=None)
@given(splits, splits, st.lists(counts, min_size=4, max_size=4))
def test_a_measured_split_adds_up_and_has_no_negative_part(wanted: Split, sent: Split, told: list[int]) -> None:
    plain, read, write_5m, write_1h = told
    answered = Usage(input_uncached=plain, cache_read=read, cache_write_5m=write_5m, cache_write_1h=write_1h)
    usage = as_measured(Admission(regime=Regime.ANTHROPIC, at=0.0, split=wanted), sent, answered)
    assert usage.input_total == answered.input_total
    assert min(usage.input_uncached, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) >= 0


@settings(max_examples=60, deadline=None)
@given(splits)
def test_a_split_measured_against_itself_is_what_was_paid(split: Split) -> None:
    answered = Usage(
        input_uncached=2 * split.plain,
        cache_read=2 * split.read,
        cache_write_5m=2 * split.write_5m,
        cache_write_1h=2 * split.write_1h,
        basis=Basis.DERIVED,
    )
    assert as_measured(Admission(regime=Regime.ANTHROPIC, at=0.0, split=split), split, answered) == answered


def test_t18_a_routed_answer_is_measured_against_what_its_own_model_was_seen_to_answer() -> None:
    policy = APPLY + '[tasks.t.route]\nmodel = "claude-haiku-5-5"\n'
    context = EngineContext(load_policy(policy))
    play = Playbook(context)
    request = _request(0, task="t")
    unseen = play.call(request, answer(usage_more=_usage(1000, 0, 0), at=NOW, output=5)).call
    assert unseen.model_sent == "claude-haiku-5-5"
    assert unseen.cost_before == 1000 * PLAIN + 5 * OUT
    for number in range(1, 4):
        bypassed = _request(number, task="t", bypass=True)
        play.call(bypassed, answer(usage_more=_usage(1000, 0, 0), at=NOW + 10 * number, output=300))
    seen = play.call(_request(9, task="t"), answer(usage_more=_usage(1000, 0, 0), at=NOW + 90, output=5)).call
    assert seen.cost_before == pytest.approx(1000 * PLAIN + 300 * OUT, rel=0.01)  # calibration moves the prompt a bit
