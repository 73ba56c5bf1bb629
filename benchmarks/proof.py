"""The proof, simulated: ``python -m benchmarks.proof --json``.

Sessions are drawn into a holdback; their costs have heavy tails, differ by task, and the saving is known.

* ``coverage``: share of runs whose fixed-time 95 percent interval holds the true saving, at the end of the run.
* ``anytime_coverage``: share of runs whose confidence sequence holds it at every look.
* ``median_calls_to_decide``: calls, both arms, until the confidence sequence leaves zero for the first time.
* ``false_decisions``: share of runs without any saving in which it ever left zero.
"""

from __future__ import annotations

import random
from statistics import median
from typing import Any, NamedTuple

from benchmarks.report import Report, arguments, progress
from penstock.evidence.proof import HOLDBACK, TREATED, Proof, Sample, prove

PICO_PER_CENT = 10_000_000_000


class Scenario(NamedTuple):
    """How costs are drawn: ``spread`` of sessions and ``noise`` of calls are standard deviations of logarithms."""

    name: str
    saving: float
    holdback: float
    calls_per_session: float
    spread: float
    noise: float
    explained: bool  # whether the request's size goes along with its cost


SCENARIOS = (
    Scenario("one-shot calls", 0.2, 0.1, 1.0, 0.7, 0.2, explained=True),
    Scenario("agents", 0.2, 0.1, 8.0, 1.0, 0.3, explained=True),
    Scenario("sizes that say little", 0.2, 0.1, 3.0, 0.8, 0.3, explained=False),
    Scenario("an even draw", 0.2, 0.5, 3.0, 1.0, 0.3, explained=True),
    Scenario("no saving", 0.0, 0.1, 3.0, 0.8, 0.3, explained=True),
)
TASKS = (("extract", 4.0), ("triage", 0.3), ("answer", 1.0))
LOOKS = [int(40 * 1.15**k) for k in range(30)]
"""Sessions at which the interval is looked at, up to about 2,300."""


def main() -> None:
    parser = arguments(__doc__ or "", data=False)
    parser.add_argument("--runs", type=int, default=200, help="simulated runs of each scenario")
    options = parser.parse_args()
    report = Report("proof", options.seed)
    rows, real = [], []
    for scenario in SCENARIOS:
        progress(f"{scenario.name}: {options.runs} runs")
        rnd = random.Random(f"{options.seed} {scenario.name}")
        runs = [run(scenario, rnd) for _ in range(options.runs)]
        rows.append(summary(scenario, runs))
        real += runs if scenario.saving else []
    none = [row for row in rows if row["saving"] == 0]
    report.emit(
        runs=options.runs * len(rows),
        coverage=mean(rows, "coverage"),
        median_calls_to_decide=calls_to_decide(real),
        anytime_coverage=mean(rows, "anytime_coverage"),
        false_decisions=mean(none, "decided_share"),
        scenarios=rows,
    )


class Run(NamedTuple):
    """One simulated run."""

    covered: bool
    covered_always: bool
    decided_at: int | None
    width: float


def run(scenario: Scenario, rnd: random.Random) -> Run:
    """Sessions arrive until the last look."""
    sample, sessions, calls = Sample(), 0, 0
    always, decided_at = True, None
    for look in LOOKS:
        while sessions < look:
            calls += add_session(sample, scenario, rnd, sessions)
            sessions += 1
        result = prove(sample, anytime=True)
        if isinstance(result, Proof):
            always = always and result.saving.low <= scenario.saving <= result.saving.high
            if decided_at is None and result.decided:
                decided_at = calls
    final = prove(sample)
    assert isinstance(final, Proof)
    interval = final.saving
    covered = interval.low <= scenario.saving <= interval.high
    return Run(covered, always, decided_at, interval.high - interval.low)


def add_session(sample: Sample, scenario: Scenario, rnd: random.Random, number: int) -> int:
    """Draw a session's arm, task, size and calls; returns how many calls it made."""
    arm = HOLDBACK if rnd.random() < scenario.holdback else TREATED
    task, scale = rnd.choice(TASKS)
    size = rnd.lognormvariate(0.0, scenario.spread)
    calls = 1 + int(rnd.expovariate(1 / (scenario.calls_per_session - 1))) if scenario.calls_per_session > 1 else 1
    for _ in range(calls):
        before = size * scale * rnd.lognormvariate(0.0, 0.3) * PICO_PER_CENT
        # The noise has mean one in both arms, so the saving of means is the scenario's.
        cost = before * rnd.lognormvariate(-(scenario.noise**2) / 2, scenario.noise)
        if arm == TREATED:
            cost *= 1 - scenario.saving
        known = before if scenario.explained else scale * rnd.lognormvariate(0.0, 0.5) * PICO_PER_CENT
        sample.add(arm=arm, task=task, session=str(number), cost=round(cost), covariate=round(known))
    return calls


def summary(scenario: Scenario, runs: list[Run]) -> dict[str, Any]:
    """One scenario's row."""
    return {
        "scenario": scenario.name,
        "saving": scenario.saving,
        "holdback": scenario.holdback,
        "coverage": share(runs, "covered"),
        "anytime_coverage": share(runs, "covered_always"),
        "median_width": round(median(one.width for one in runs), 4),
        "decided_share": sum(one.decided_at is not None for one in runs) / len(runs),
        "median_calls_to_decide": calls_to_decide(runs),
    }


def calls_to_decide(runs: list[Run]) -> float | None:
    """The median; undecided runs count as never, and None means that half of the runs or more were."""
    middle = median(one.decided_at if one.decided_at is not None else float("inf") for one in runs)
    return None if middle == float("inf") else middle


def share(runs: list[Run], name: str) -> float:
    return sum(getattr(one, name) for one in runs) / len(runs)


def mean(rows: list[dict[str, Any]], name: str) -> float:
    return round(sum(row[name] for row in rows) / len(rows), 4)


if __name__ == "__main__":
    main()
