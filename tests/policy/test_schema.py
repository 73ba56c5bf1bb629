from __future__ import annotations

import pytest

from penstock.policy.schema import CapPolicy, Levers, Policy, TaskPolicy


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


@pytest.mark.parametrize("lever", ["cache", "cap", "route", "trim"])
def test_each_lever_has_a_switch(lever: str) -> None:
    assert Levers().on(lever)
    assert not Levers(**{lever: False}).on(lever)


def test_a_lever_without_a_switch_is_on() -> None:
    assert Levers().on("lossless")
