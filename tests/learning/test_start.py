from __future__ import annotations

from penstock.engine.context import EngineContext
from penstock.learning.start import learner_for, wants_learning
from penstock.policy.load import load_policy

GATE = '[tasks.t.gate]\ncandidate = "small"\n'


def test_only_a_policy_that_asks_for_it_starts_a_learner() -> None:
    for text, wanted in (
        (GATE, False),
        (GATE + "difficulty = true", True),
        (GATE + "difficulty = true\nenabled = false", False),
    ):
        assert wants_learning(load_policy(text)) is wanted
    policy = load_policy(GATE)
    assert learner_for(policy, EngineContext(policy), None) is None
    policy = load_policy(GATE + "difficulty = true")
    context = EngineContext(policy)
    learner = learner_for(policy, context, None)
    assert learner is not None
    assert context.gates.easy is learner
    learner.close()
