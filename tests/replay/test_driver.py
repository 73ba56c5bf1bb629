from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.store import Evidence
from penstock.money import rate_from_usd_per_mtok
from penstock.policy.load import load_policy
from penstock.policy.schema import Levers, Policy
from penstock.replay.driver import in_time_order, replay, replay_and_teach
from penstock.wire.recorded import RecordedCall
from penstock.wire.usage import Usage
from tests.replay.recorded import STANDING, STANDING_TOKENS, call, plain

OFF = Policy(levers=Levers(cache=False, cap=False, route=False, trim=False))
MARKED = [{"type": "text", "text": STANDING, "cache_control": {"type": "ephemeral"}}]


def test_without_levers_the_three_bills_are_one() -> None:
    result = replay([plain(n, at=n * 10.0) for n in range(5)], OFF)
    price = (STANDING_TOKENS + 10) * rate_from_usd_per_mtok("4") + 12 * rate_from_usd_per_mtok("20")
    assert result.total.recorded == result.total.predicted == result.total.projected == 5 * price
    assert result.prediction_error == 0.0


def test_caching_that_the_client_already_had_is_no_saving_of_ours_t18() -> None:
    wrote = call(0, at=0.0, usage=Usage(input_uncached=10, cache_write_5m=STANDING_TOKENS, output=12), system=MARKED)
    read = call(1, at=20.0, usage=Usage(input_uncached=10, cache_read=STANDING_TOKENS, output=12), system=MARKED)
    result = replay([wrote, read], OFF)
    assert result.total.saving == 0
    assert abs(result.prediction_error or 0.0) < 0.02


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ts": None}, "no start time"),
        ({"usage": None}, "no usage reported"),
        ({"status": 529}, "not answered"),
        ({"request": None}, "no request body of a known API"),
        ({"request": b"{"}, "a request body that cannot be read"),
    ],
)
def test_what_cannot_be_replayed_is_counted_by_reason_and_in_no_sum(change: dict[str, object], reason: str) -> None:
    odd = msgspec.structs.replace(plain(1, at=5.0), **change)
    result = replay([plain(0, at=0.0), odd], OFF)
    assert result.left_out == {reason: 1}
    assert result.total.calls == 1


def test_a_model_without_a_price_is_left_out_and_not_free() -> None:
    result = replay([plain(0, at=0.0, model="claude-never-heard-of"), plain(1, at=1.0)], OFF)
    assert result.left_out == {"a price that is not known": 1}
    assert result.total.calls == 1


@given(st.permutations(range(12)))
@settings(max_examples=30)
def test_calls_that_are_a_little_out_of_order_are_replayed_in_time_order(order: list[int]) -> None:
    calls = [RecordedCall(ts=float(n), dialect=None, model="") for n in order]
    assert [each.ts for each in in_time_order(calls, window=12)] == [float(n) for n in range(12)]


def test_a_repeated_prefix_is_projected_cheaper_and_never_dearer_than_it_was() -> None:
    result = replay([plain(n, at=n * 20.0) for n in range(40)], Policy(), by_lever=True)
    assert 0 < result.total.projected < result.total.recorded * 0.5
    assert sum(result.by_lever.values()) == result.total.saving
    assert max(result.by_lever, key=lambda lever: result.by_lever[lever]) == "cache"


def test_an_instruction_to_answer_briefly_has_a_line_of_its_own_and_saves_nothing_in_a_replay() -> None:
    policy = load_policy('[defaults.brevity]\ninstruction = "One sentence."')
    result = replay([plain(n, at=n * 20.0) for n in range(10)], policy, by_lever=True)
    assert list(result.by_lever) == ["trim", "route", "brevity", "cap", "cache"]
    assert result.by_lever["brevity"] <= 0
    assert sum(result.by_lever.values()) == result.total.saving
    assert any("briefly" in assumed for assumed in result.assumed)


def test_a_prior_knows_lengths_and_reuse_but_nothing_that_was_bought() -> None:
    calls = [plain(number, at=number * 20.0) for number in range(30)]
    result, prior = replay_and_teach(calls, load_policy('schema = 1\nmode = "apply"\n'))
    assert result == replay(calls, load_policy('schema = 1\nmode = "apply"\n'))
    assert len(prior.reuse.prefixes) > 0
    assert not any(shard.until[place] for shard, place in prior.reuse.prefixes.records())
    assert prior.reuse.returns.to_builtins() == {}
    assert sum(one.whole_count for one in prior.lengths.by_key.values()) == 30
    assert prior.gates.to_builtins() == Evidence().gates.to_builtins()
