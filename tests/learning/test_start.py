from __future__ import annotations

from penstock.engine.context import EngineContext
from penstock.learning.start import learner_for, leave_the_cores, wants_learning
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


def test_linear_algebra_has_one_thread_unless_the_user_says_otherwise() -> None:
    environment = {"OMP_NUM_THREADS": "4", "HOME": "here"}
    leave_the_cores(environment)
    assert environment == {
        "OMP_NUM_THREADS": "4",
        "HOME": "here",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
