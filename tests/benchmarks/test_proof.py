from __future__ import annotations

import random

from benchmarks.proof import SCENARIOS, Run, add_session, calls_to_decide, summary
from penstock.evidence.proof import HOLDBACK, TREATED, Sample


def test_a_session_has_one_arm_and_one_task() -> None:
    sample, rnd = Sample(), random.Random(1)
    calls = [add_session(sample, SCENARIOS[1], rnd, number) for number in range(200)]
    sums = [sums for arm in (TREATED, HOLDBACK) for tasks in sample.sums[arm].values() for sums in tasks.values()]
    assert len(sums) == 200
    assert sum(one[0] for one in sums) == sum(calls)
    assert min(calls) == 1
    assert 5 < sum(calls) / 200 < 12


def test_undecided_runs_count_as_never() -> None:
    runs = [Run(covered=True, covered_always=True, decided_at=at, width=0.1) for at in (100, None, None)]
    assert calls_to_decide(runs) is None
    assert calls_to_decide(runs[:1]) == 100
    row = summary(SCENARIOS[0], runs)
    assert (row["coverage"], row["decided_share"], row["median_calls_to_decide"]) == (1.0, 1 / 3, None)
