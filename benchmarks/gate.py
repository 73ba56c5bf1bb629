"""The quality gate, simulated and replayed: ``python -m benchmarks.gate --data ../shared/data/routing-bfcl --json``.

* ``boundary``: a candidate that is worse by exactly the margin; how often is it promoted within the horizon?
* ``samples``: an acceptable candidate; the median number of paired samples to its promotion (with the least number of
  samples that the gate asks for), beside the information floor ``ln(1/alpha) / KL_inf``.
* ``pairs``: recorded pass or fail of real models; the share of random orders of a category's items in which the
  cheaper model is promoted. Days cannot be replayed, so the least span of time is set to 0 here and only here.
* ``demotion``: delay of the detector after a drop, and false alarms without one.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from benchmarks.betting_runs import deviation, drawn, first_crossing, log_e
from benchmarks.report import Report, arguments, progress
from benchmarks.routing_data import Row, read_rows
from penstock.evidence.betting import information_floor
from penstock.evidence.confidence import ScoreCounts
from penstock.evidence.detector import STAKES, paired_baseline
from penstock.evidence.gate import Terms

ALPHA = 0.05
THRESHOLD = -math.log(ALPHA)
TERMS = Terms(margin=0.05, alpha=ALPHA, span_s=0.0)

BOUNDARY = [(0.05, 0.05, 0.0), (0.05, 0.07, 0.02), (0.02, 0.02, 0.0), (0.02, 0.04, 0.02), (0.01, 0.02, 0.01)]
"""Margin, true rate of losses, true rate of wins; the candidate is worse by exactly the margin."""

RATES = [(0.0, 0.0), (0.01, 0.01), (0.02, 0.02), (0.05, 0.05), (0.02, 0.0), (0.01, 0.03)]
MARGINS = (0.05, 0.03, 0.02, 0.01)

DEMOTION_TABLE = {0.06: 579, 0.11: 209, 0.31: 62}
"""Loss rate after the drop -> median delay of the published design (statistics 2.2), losses 1% before, margin 2 pp."""

LIST_PRICE = {
    "claude-3-opus": 75.0,
    "gpt-4-turbo": 30.0,
    "claude-3-5-sonnet": 15.0,
    "gpt-4o-2024-08-06": 10.0,
    "gpt-3.5-turbo": 1.5,
    "claude-3-haiku": 1.25,
    "gpt-4o-mini": 0.6,
}
"""USD per million output tokens at the time of the recording, to tell which model of a pair is the cheaper."""

BROKEN_SCORE = 0.15
"""What gpt-4o-2024-08-06 scores on ``simple`` in prompt mode in the same source (a format artefact)."""


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--runs", type=int, default=100_000, help="simulated runs per boundary case")
    options = parser.parse_args()
    report = Report("gate", options.seed)
    rng = np.random.default_rng(options.seed)
    rows = [row for rows in read_rows(options.data).values() for row in rows]
    pairs = replayed_pairs(rows, rng)
    taken = samples(rng)
    report.emit(
        boundary=boundary(rng, options.runs),
        samples=taken,
        worst_over_floor={
            "equal_models": max(row["over_floor"] for row in taken if row["loss"] == row["win"]),
            "all": max(row["over_floor"] for row in taken),
        },
        pairs=pairs,
        **verdicts(pairs, rows, rng),
        demotion=demotion(rng),
        same_as_product=same_as_product(rng),
        terms={
            "alpha": ALPHA,
            "n_min": TERMS.n_min,
            "pairs_margin": TERMS.margin,
            "reference_floor": TERMS.reference_floor,
        },
    )


def boundary(rng: np.random.Generator, runs: int, horizon: int = 1500) -> dict[str, Any]:
    cases = []
    for margin, loss, win in BOUNDARY:
        values = log_e(drawn(rng, runs, horizon, loss, win), runs, margin, exact_above=THRESHOLD)
        share = float((first_crossing(values, runs, THRESHOLD) > 0).mean())
        progress(f"boundary at margin {margin}: {share:.4f} promoted falsely")
        cases.append(
            {"eps": margin, "loss": loss, "win": win, "runs": runs, "horizon": horizon, "false_promotion": share}
        )
    return {
        "runs": runs,
        "alpha": ALPHA,
        "false_promotion": max(case["false_promotion"] for case in cases),
        "cases": cases,
    }


def samples(rng: np.random.Generator, runs: int = 600) -> list[dict[str, Any]]:
    found = []
    for margin, (loss, win) in itertools.product(MARGINS, RATES):
        floor = information_floor(loss, win, margin, ALPHA)
        if not math.isfinite(floor) or floor > 6000:
            continue
        horizon = max(100, int(5 * floor))
        values = log_e(drawn(rng, runs, horizon, loss, win), runs, margin, exact_above=THRESHOLD)
        first = first_crossing(values, runs, THRESHOLD, n_min=TERMS.n_min, enough=0.92)
        reached = np.where(first == 0, horizon, first)
        median = float(np.median(reached))
        progress(f"margin {margin} loss {loss} win {win}: median {median:.0f}, floor {floor:.0f}")
        found.append(
            {
                "eps": margin,
                "loss": loss,
                "win": win,
                "median": median,
                "floor": round(floor, 1),
                "over_floor": round(median / floor, 3),
                "p90": float(np.quantile(reached, 0.9)),
                "runs": runs,
            }
        )
    return found


def list_price(model: str) -> float | None:
    return next((price for name, price in LIST_PRICE.items() if model.startswith(name)), None)


def model_pairs(rows: list[Row]) -> list[tuple[str, str]]:
    """Dearer model first; by overall score where a price is not known."""
    models = sorted({model for row in rows for model in row.scores})
    score = {m: float(np.mean([row.scores[m] for row in rows if m in row.scores])) for m in models}
    ordered = []
    for a, b in itertools.combinations(models, 2):
        price_a, price_b = list_price(a), list_price(b)
        dearer = price_a >= price_b if price_a is not None and price_b is not None else score[a] >= score[b]
        ordered.append((a, b) if dearer else (b, a))
    return ordered


def replayed_pairs(rows: list[Row], rng: np.random.Generator, orders: int = 400) -> list[dict[str, Any]]:
    found = []
    for strong, weak in model_pairs(rows):
        for category in sorted({row.task for row in rows}):
            items = [r for r in rows if r.task == category and strong in r.scores and weak in r.scores]
            scores = np.array([(r.scores[strong], r.scores[weak]) for r in items])
            found.append({"strong": strong, "weak": weak, "category": category, **replay(scores, rng, orders)})
    progress(f"{len(found)} pairs of models and categories replayed in {orders} orders each")
    return found


def replay(
    scores: np.ndarray, rng: np.random.Generator, orders: int, floor: float = TERMS.reference_floor
) -> dict[str, Any]:
    """The gate over random orders of one category's items; scores of shape (item, [strong, weak])."""
    order = np.argsort(rng.random((orders, len(scores))), axis=1)
    reference, difference = scores[:, 0][order], (scores[:, 1] - scores[:, 0])[order]
    outcomes = np.sign(difference).astype(np.int8) + 1
    sound, broken = floor_crossings(reference, floor)
    out: dict[str, Any] = {"n": len(scores), "delta": round(float((scores[:, 1] - scores[:, 0]).mean()), 4)}
    for name, margin in (("promoted", TERMS.margin), ("promoted_2pp", 0.02)):
        values = np.stack(list(log_e(iter(outcomes.T), orders, margin, exact_above=THRESHOLD)), axis=1)
        enough = (values >= THRESHOLD) & (np.arange(1, len(scores) + 1) >= TERMS.n_min) & sound
        # What was flagged as broken before is held and cannot be promoted any more.
        enough &= ~np.logical_or.accumulate(broken, axis=1)
        out[name] = float(enough.any(axis=1).mean())
        if name == "promoted" and out[name] > 0:
            out["median_samples"] = float(np.median(enough.argmax(axis=1)[enough.any(axis=1)] + 1))
    out["reference_mean"] = round(float(scores[:, 0].mean()), 4)
    out["reference_flagged"] = float(broken.any(axis=1).mean())
    return out


def floor_crossings(reference: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """Per order and step: is the reference shown to be above its floor, and below it? (Scores of 0 and 1.)"""
    cache: dict[tuple[int, int], tuple[bool, bool]] = {}
    passed = np.cumsum(reference, axis=1).astype(int)
    sound, broken = np.zeros(passed.shape, bool), np.zeros(passed.shape, bool)
    for n in range(1, passed.shape[1] + 1):
        for good in np.unique(passed[:, n - 1]):
            key = (int(good), n)
            if key not in cache:
                counts = ScoreCounts({1000: key[0], 0: n - key[0]})
                cache[key] = (counts.lower(TERMS.floor_alpha) >= floor, counts.upper(TERMS.floor_alpha) < floor)
            chosen = passed[:, n - 1] == good
            sound[chosen, n - 1], broken[chosen, n - 1] = cache[key]
    return sound, broken


def verdicts(pairs: list[dict[str, Any]], rows: list[Row], rng: np.random.Generator) -> dict[str, Any]:
    """What the replay must show, checked."""
    natural = [p for p in pairs if p["reference_mean"] <= TERMS.reference_floor / 2]
    artefact = broken_artefact(rows, rng)
    flagged = [p["reference_flagged"] for p in [*natural, *artefact]]
    promoted = [p["promoted"] for p in [*natural, *artefact]]
    haiku = [p for p in pairs if p["weak"].startswith("claude-3-haiku") and p["strong"].startswith("claude-3-5-sonnet")]
    by_category = {p["category"]: p["promoted"] for p in haiku}
    worse = [p for p in pairs if p["delta"] <= -0.10]
    return {
        "broken_reference_flagged": bool(flagged) and min(flagged) >= 0.95 and max(promoted) == 0.0,
        "broken_references": {
            "recorded": len(natural),
            "artefact": artefact,
            "least_flagged": min(flagged, default=None),
        },
        "small_model_by_category": by_category,
        "largest_promoted_when_worse_by_10_points": max((p["promoted"] for p in worse), default=None),
        "pairs_worse_by_10_points": len(worse),
    }


def broken_artefact(rows: list[Row], rng: np.random.Generator, orders: int = 400) -> list[dict[str, Any]]:
    """The recorded small models on ``simple`` against a reference that scores as the artefact does."""
    items = [row for row in rows if row.task == "simple"] or rows
    found = []
    for weak in sorted({model for row in items for model in row.scores}):
        passed = np.array([row.scores[weak] for row in items if weak in row.scores])
        scores = np.stack([(rng.random(len(passed)) < BROKEN_SCORE).astype(float), passed], axis=1)
        found.append({"weak": weak, **replay(scores, rng, orders)})
    return found


def demotion(rng: np.random.Generator, runs: int = 1000, quiet: int = 12_000) -> dict[str, Any]:
    """Delay of the paired detector at a margin of 2 points, losses and wins 1% before the drop."""
    alarms = delays(rng, 100, quiet, 0, 0.01)
    rows = []
    for loss, table in DEMOTION_TABLE.items():
        delay = delays(rng, runs, 1000, 6000, loss)
        found = delay[delay > 0]
        rows.append(
            {
                "loss_before": 0.01,
                "loss_after": loss,
                "eps": 0.02,
                "median": float(np.median(found)),
                "p90": float(np.quantile(found, 0.9)),
                "table_median": table,
                "runs": runs,
            }
        )
        progress(f"drop to {loss:.0%} losses: median delay {np.median(found):.0f}, table {table}")
    return {"delays": rows, "false_alarms": int((alarms < 0).sum()), "quiet_runs": 100, "quiet_calls": quiet}


def delays(rng: np.random.Generator, runs: int, before: int, after: int, loss: float) -> np.ndarray:
    """Steps from the drop to the alarm at a margin of 2 points; -1 for an alarm before it, 0 for none."""
    baseline = paired_baseline(0.02)
    stakes = np.array(STAKES)[:, None]
    factors = {o: 1.0 + stakes * (baseline - (o / 2.0)) / (1.0 - baseline) for o in (0, 1, 2)}
    sums, found = np.zeros((len(STAKES), runs)), np.zeros(runs, dtype=np.int64)
    steps = itertools.chain(drawn(rng, runs, before, 0.01, 0.01), drawn(rng, runs, after, loss, 0.01))
    for n, outcome in enumerate(steps):
        factor = np.where(outcome == 0, factors[0], np.where(outcome == 2, factors[2], factors[1]))
        sums = (sums + 1.0) * factor
        alarm = (sums.mean(axis=0) >= TERMS.run_length) & (found == 0)
        found[alarm] = -1 if n < before else n - before + 1
        if n >= before and found.all():
            break
    return found


def same_as_product(rng: np.random.Generator) -> dict[str, float]:
    worst = 0.0
    for margin, loss, win in (*BOUNDARY, (0.02, 0.05, 0.05), (0.05, 0.0, 0.0)):
        outcomes = np.stack(list(drawn(rng, 8, 300, loss, win)))
        worst = max(worst, deviation(outcomes, margin))
    return {"runs": 8.0 * (len(BOUNDARY) + 2), "steps": 300.0, "largest_difference_of_log_e": worst}


if __name__ == "__main__":
    main()
