from __future__ import annotations

import pytest

from penstock.errors import PolicyError
from penstock.policy.dump import dump_policy
from penstock.policy.load import load_policy
from penstock.policy.schema import BrevityPolicy, CapPolicy, GatePolicy, Levers, Policy, TaskPolicy, TrimPolicy


def test_a_fresh_policy_observes_and_permits_nothing_lossy() -> None:
    policy = Policy()
    assert policy.mode == "observe"
    assert (policy.defaults.cap, policy.defaults.route, policy.defaults.trim) == (None, None, None)
    assert not policy.defaults.cache.stabilise


def test_a_call_of_no_known_task_gets_the_defaults() -> None:
    policy = Policy(defaults=TaskPolicy(cap=CapPolicy(max_output=7)), tasks={"triage": TaskPolicy()})
    assert policy.task(None) is policy.defaults
    assert policy.task("other") is policy.defaults
    assert policy.task("triage").cap is None


@pytest.mark.parametrize("lever", ["cache", "cap", "route", "trim", "brevity"])
def test_each_lever_has_a_switch(lever: str) -> None:
    assert Levers().on(lever)
    assert not Levers(**{lever: False}).on(lever)


def test_a_lever_without_a_switch_is_on() -> None:
    assert Levers().on("lossless")


def test_a_gate_names_its_candidate_and_has_defaults_for_the_rest() -> None:
    policy = load_policy('[tasks.triage.gate]\ncandidate = "claude-haiku-4-5"\neps = 0.05\n')
    gate = policy.task("triage").gate
    assert gate == GatePolicy(candidate="claude-haiku-4-5", eps=0.05)
    assert load_policy(dump_policy(policy)) == policy
    for wrong in ("eps = 0.05", 'candidate = "m"\neps = 0.0', 'candidate = "m"\nmin_dayz = 2'):
        with pytest.raises(PolicyError):
            load_policy(f"[tasks.triage.gate]\n{wrong}\n")


def test_what_acts_at_once_has_no_gate_and_none_of_the_edits_that_it_tests() -> None:
    trim, brief = TrimPolicy(top_k=8), BrevityPolicy(instruction="Be brief.")
    both = TaskPolicy(trim=trim, brevity=brief, gate=GatePolicy(edits=("trim",)))
    assert both.at_once() == TaskPolicy(brevity=brief)
    assert TaskPolicy(trim=trim).at_once() == TaskPolicy(trim=trim)
