from __future__ import annotations

from penstock.demo.decisions import decided
from penstock.demo.workloads import SMALL_MODEL
from penstock.policy.dump import dump_policy
from penstock.policy.load import load_policy
from penstock.policy.schema import CapPolicy, Policy, TaskPolicy


def test_the_teams_decisions_stand_beside_what_was_proposed() -> None:
    proposed = Policy(tasks={"email-triage": TaskPolicy(cap=CapPolicy()), "other": TaskPolicy(cap=CapPolicy())})
    policy = decided(proposed)
    triage = policy.tasks["email-triage"]
    assert triage.cap == CapPolicy()
    assert triage.route is not None
    assert triage.route.model == SMALL_MODEL
    assert policy.tasks["other"] == proposed.tasks["other"]
    assert (policy.mode, proposed.mode) == ("apply", "observe")


def test_the_policy_in_force_can_be_written_and_read_back() -> None:
    policy = decided(Policy())
    assert load_policy(dump_policy(policy), "demo") == policy
