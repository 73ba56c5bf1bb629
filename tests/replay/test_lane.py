from __future__ import annotations

from penstock.policy.schema import CapPolicy, GatePolicy, Policy, RoutePolicy, TaskPolicy
from penstock.replay.driver import replay
from tests.replay.recorded import MODEL, plain

SMALL = "claude-haiku-5-5"


def test_a_routed_call_is_billed_on_the_target_model_and_said_to_be_assumed() -> None:
    policy = Policy(tasks={"triage": TaskPolicy(route=RoutePolicy(model=SMALL))})
    result = replay([plain(n, at=n * 1000.0) for n in range(3)], policy)
    assert list(result.by_model) == [MODEL]
    assert result.total.projected * 20 < result.total.recorded
    assert result.assumed == {"another model's answers were not seen: no second sends for failed checks": 3}


def test_an_answer_longer_than_its_cap_is_paid_for_twice() -> None:
    policy = Policy(tasks={"triage": TaskPolicy(cap=CapPolicy(max_output=10))})
    free = replay([plain(0, at=0.0, output=8, model="claude-sonnet-4-6")], policy)
    cut = replay([plain(0, at=0.0, output=80, model="claude-sonnet-4-6")], policy)
    assert free.total.projected == free.total.recorded
    assert cut.total.projected > cut.total.recorded
    assert "an answer longer than its cap is asked for again without it" in cut.assumed


def test_what_a_gate_tests_is_not_served_in_a_replay_and_that_is_said() -> None:
    gate = GatePolicy(candidate=SMALL, shadow_share=1.0, n_min=2, min_days=0.0, shadow_usd_day=1000.0)
    policy = Policy(tasks={"triage": TaskPolicy(gate=gate)})
    calls = [plain(n, at=n * 1000.0) for n in range(120)]
    result = replay(calls, policy)
    assert result.total == replay(calls, Policy()).total
    assert result.assumed == {
        "a gate has no evidence yet: what it tests is not served, and what testing costs is not in the bill": 120
    }
