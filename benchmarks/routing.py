"""Routing inside a task: ``python -m benchmarks.routing --data ../shared/data/routing-routellm --json [--svg DIR]``.

Every file of the folder and every known pair of models in it is one set.

* Quality: five test folds, repeated; each fold's router is trained on at most ``--labels`` labels drawn from the other
  folds, and the strength of its ridge is chosen by the marginal likelihood of those labels alone. Needs are turned into
  quantiles inside each fold and pooled, and RouteLLM's APGR and CPT50 are computed on the pooled curve (see
  ``benchmarks.routing_metrics``); the mean over the repeats is given.
* Certified share: rows are split into learning labels, calibration labels and test rows. The router is trained on the
  first, the largest share of prompts for the cheap model is certified on the second (learn, then test, alpha 0.05),
  and on the third the share is measured, and whether the loss of score is above the margin (a violation). 20 learning
  sets with 50 splits each of the remaining rows into calibration and test make 1,000 nested splits. The violation is
  counted on test rows alone, so a test set that happens to be hard counts against us too.
* Cascade, where the cheap model's answers were recorded: see ``benchmarks.routing_cascade``.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Report, arguments, progress
from benchmarks.routing_cascade import cascaded, turned_down
from benchmarks.routing_data import Row, read_rows
from benchmarks.routing_metrics import Curve, apgr, cpt, curve, within_folds
from benchmarks.svg import Line, chart
from penstock.evidence.certify import certify, sequence
from penstock.evidence.difficulty import LEAST_LABELS, Difficulty, train
from penstock.evidence.features import Features, prompt_features
from penstock.models.prices import prices_of
from penstock.unknown import Unknown

PAIRS = [
    ("gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1"),
    ("claude-3-5-sonnet-20241022", "claude-3-5-haiku-20241022"),
    ("claude-3-5-sonnet-20241022", "claude-3-haiku-20240307"),
    ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18"),
    ("claude-3-5-sonnet-20240620-FC", "claude-3-haiku-20240307-FC"),
    ("gpt-4o-2024-08-06-FC", "gpt-4o-mini-2024-07-18-FC"),
    ("llama-3.1-nemotron-51b-instruct", "llama-3.1-8b-instruct"),
    ("llama-3.3-nemotron-super-49b-v1", "llama-3.1-8b-instruct"),
    ("gemini-2.0-flash-001", "claude-3-haiku-20240307"),
]
"""Strong and cheap; of a file with none of them, the best and the worst model."""

MARGINS = (0.02, 0.03, 0.05)
FOLDS, REPEATS = 5, 4
LEARNINGS, SPLITS = 20, 50
PRICED_AT = datetime(2024, 12, 1, tzinfo=UTC)

Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Pair:
    """The rows that both models answered, as arrays."""

    def __init__(self, name: str, rows: list[Row], strong: str, weak: str) -> None:
        rows = [row for row in rows if strong in row.scores and weak in row.scores]
        self.name, self.strong, self.weak, self.n = name, strong, weak, len(rows)
        self.tasks = [row.task for row in rows]
        self.texts = [row.text for row in rows]
        self.features = [prompt_features(row.text, row.tools) for row in rows]
        self.scores = np.array([(row.scores[strong], row.scores[weak]) for row in rows])
        self.difference: Numbers = self.scores[:, 1] - self.scores[:, 0]
        self.costs = _costs(rows, strong, weak)
        down = [turned_down(row, weak) for row in rows]
        self.turned_down = None if None in down else np.array(down, dtype=bool)

    def trained(self, chosen: Indices, *, tasks: bool = True) -> tuple[Difficulty, Numbers]:
        """A model trained on the chosen rows, and its left-out predictions of them."""
        names = [self.tasks[i] if tasks else "" for i in chosen]
        found = train(names, [self.features[i] for i in chosen], self.difference[chosen], self.scores[chosen, 0])
        return found.model, found.left_out

    def predicted(self, model: Difficulty, chosen: Indices, *, tasks: bool = True) -> Numbers:
        return np.array([model.predict(self.tasks[i] if tasks else "", self.features[i]) for i in chosen])


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--labels", type=int, default=1500, help="most labels that a router may learn from")
    parser.add_argument("--svg", type=Path, help="folder for the cost against accuracy curves")
    options = parser.parse_args()
    report = Report("routing", options.seed)
    sets: list[dict[str, Any]] = []
    largest: Pair | None = None
    for name, rows in read_rows(options.data).items():
        if not pairs_of(rows):
            progress(f"{name}: scores of one model only, left out")
        for strong, weak in pairs_of(rows):
            pair = Pair(f"{options.data.name.removeprefix('routing-')}/{name}", rows, strong, weak)
            if pair.n < 2 * LEAST_LABELS:
                progress(f"{pair.name} {strong} / {weak}: {pair.n} rows are too few, left out")
                continue
            sets.append(measured(pair, options.labels, options.seed, options.svg))
            largest = pair if largest is None or pair.n > largest.n else largest
    if largest is None:
        raise SystemExit(
            f"nothing to measure in {options.data}\n"
            f"hint: a file needs at least {2 * LEAST_LABELS} rows that two of its models answered"
        )
    report.emit(sets=sets, prediction=speed(largest), metric="RouteLLM APGR and CPT50, 10 quantile bins")


def pairs_of(rows: list[Row]) -> list[tuple[str, str]]:
    models = {model for row in rows for model in row.scores}
    known = [(strong, weak) for strong, weak in PAIRS if strong in models and weak in models]
    if known or len(models) < 2:
        return known
    mean = {m: np.mean([row.scores[m] for row in rows if m in row.scores]) for m in models}
    ranked = sorted(models, key=lambda m: (mean[m], m))
    return [(ranked[-1], ranked[0])]


def measured(pair: Pair, labels: int, seed: int, svg: Path | None) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    strong, weak = (float(mean) for mean in pair.scores.mean(axis=0))
    used = min(labels, pair.n - pair.n // FOLDS - 1)
    quality, need = cross_validated(pair, used, rng, repeats=REPEATS)
    blind, _ = cross_validated(pair, used, rng, repeats=1, tasks=False)
    lookup = task_lookup(pair, used, rng)
    progress(f"{pair.name} {pair.strong} / {pair.weak}: APGR {quality['apgr']} CPT50 {quality['cpt50']}")
    if svg:
        svg.mkdir(parents=True, exist_ok=True)
        name = f"{pair.name}-{pair.strong}-{pair.weak}".replace("/", "-")
        (svg / f"{name}.svg").write_text(drawing(pair, need), encoding="utf-8")
    return {
        "set": pair.name,
        "strong": pair.strong,
        "weak": pair.weak,
        "rows": pair.n,
        "strong_score": round(strong, 4),
        "weak_score": round(weak, 4),
        "labels": used,
        **quality,
        "without_task_labels": blind,
        "task_mean_only": lookup,
        "certified": certified(pair, labels, rng),
        "cascade": cascaded(pair, labels, rng),
    }


def folds_of(n: int, rng: np.random.Generator) -> list[Indices]:
    order = rng.permutation(n)
    return [order[fold::FOLDS] for fold in range(FOLDS)]


def cross_validated(
    pair: Pair, labels: int, rng: np.random.Generator, *, repeats: int, tasks: bool = True
) -> tuple[dict[str, Any], Numbers]:
    """Pooled APGR and CPT50 over test folds, and the needs of the first repeat."""
    found, first = [], np.empty(0)
    for _ in range(repeats):
        need, folds = np.empty(pair.n), folds_of(pair.n, rng)
        for test in folds:
            pool = np.setdiff1d(np.arange(pair.n), test)
            model, _ = pair.trained(rng.permutation(pool)[:labels], tasks=tasks)
            need[test] = -pair.predicted(model, test, tasks=tasks)
        ranked = within_folds(need, folds)
        first = first if len(first) else ranked
        found.append(_metrics(pair, ranked))
    return _averaged(found), first


def task_lookup(pair: Pair, labels: int, rng: np.random.Generator, prior: float = 20.0) -> dict[str, Any]:
    """What knowing the task alone gives: its mean difference, shrunk to the mean of all by 20 labels."""
    need, folds = np.empty(pair.n), folds_of(pair.n, rng)
    names, task = np.unique(pair.tasks, return_inverse=True)
    for test in folds:
        chosen = rng.permutation(np.setdiff1d(np.arange(pair.n), test))[:labels]
        mean = pair.difference[chosen].mean()
        count = np.bincount(task[chosen], minlength=len(names))
        total = np.bincount(task[chosen], weights=pair.difference[chosen], minlength=len(names))
        need[test] = -((total + prior * mean) / (count + prior))[task[test]]
    return _averaged([_metrics(pair, need)])


def _metrics(pair: Pair, need: Numbers) -> tuple[float | None, float | None]:
    strong, weak = pair.scores[:, 0], pair.scores[:, 1]
    found = curve(need, strong, weak)
    means = float(strong.mean()), float(weak.mean())
    return apgr(found, *means), cpt(found, *means)


def _averaged(found: list[tuple[float | None, float | None]]) -> dict[str, Any]:
    known = [(a, c) for a, c in found if a is not None and c is not None]
    if not known:
        return {"apgr": None, "cpt50": None}
    areas, calls = np.array(known).T
    spread = (
        {"apgr_sd": round(float(areas.std()), 4), "cpt50_sd": round(float(calls.std()), 4)} if len(known) > 1 else {}
    )
    return {"apgr": round(float(areas.mean()), 4), "cpt50": round(float(calls.mean()), 4), **spread}


def certified(pair: Pair, labels: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    learning = min(labels, max(LEAST_LABELS, (2 * pair.n) // 5))
    calibration = (pair.n - learning) // 2
    seen: dict[float, list[tuple[float, bool, bool]]] = {margin: [] for margin in MARGINS}
    known: dict[float, list[float]] = {margin: [] for margin in MARGINS}
    for _ in range(LEARNINGS):
        order = rng.permutation(pair.n)
        learn, rest = order[:learning], order[learning:]
        model, left_out = pair.trained(learn)
        thresholds = sequence(left_out, pair.difference[learn])
        predicted, difference = pair.predicted(model, rest), pair.difference[rest]
        for margin in MARGINS:
            known[margin].append(share_if_known(predicted, difference, margin))
        for _ in range(SPLITS):
            shuffled = rng.permutation(len(rest))
            calibrate, test = shuffled[:calibration], shuffled[calibration:]
            for margin in MARGINS:
                given = certify(predicted[calibrate], difference[calibrate], thresholds, margin=margin)
                limit = np.inf if given.threshold is None else given.threshold
                lost = np.where(predicted >= limit, -difference, 0.0)
                share = float((predicted[test] >= limit).mean())
                seen[margin].append((share, bool(lost[test].mean() > margin), bool(lost.mean() > margin)))
    rows = []
    for margin in MARGINS:
        share, on_test, on_all = np.array(seen[margin], dtype=float).mean(axis=0)
        progress(f"  certified at {margin:.0%}: {share:.3f} of prompts, violations {on_test:.3f}")
        rows.append(
            {
                "eps": margin,
                "share": round(float(share), 4),
                "violations": round(float(on_test), 4),
                "violations_calibration_and_test": round(float(on_all), 4),
                "share_if_losses_were_known": round(float(np.mean(known[margin])), 4),
                "splits": len(seen[margin]),
                "labels": {"learning": learning, "calibration": calibration, "test": pair.n - learning - calibration},
            }
        )
    return rows


def share_if_known(predicted: Numbers, difference: Numbers, margin: float) -> float:
    """The largest share that this router could send to the cheap model with the losses of all rows known."""
    lost = np.cumsum(-difference[np.argsort(-predicted)]) / len(difference)
    within = np.flatnonzero(lost <= margin)
    return float(within[-1] + 1) / len(difference) if len(within) else 0.0


def _costs(rows: list[Row], strong: str, weak: str) -> tuple[Numbers, Numbers] | None:
    """USD per row and model: the source's own figure, else its token counts at list price; None when unknown."""
    found = []
    for model in (strong, weak):
        prices = prices_of(model.removesuffix("-FC"), at=PRICED_AT, prompt_tokens=0)
        paid = []
        for row in rows:
            if model in row.cost:
                paid.append(row.cost[model])
            elif prices and model in row.tokens:
                if isinstance(prices.input, Unknown) or isinstance(prices.output, Unknown):
                    return None
                tokens_in, tokens_out = row.tokens[model]
                paid.append((tokens_in * prices.input + tokens_out * prices.output) / 1e12)
            else:
                return None
        found.append(np.array(paid))
    return found[0], found[1]


def drawing(pair: Pair, need: Numbers) -> str:
    """Cost against accuracy: router, oracle, random mix, all-strong, all-cheap."""
    strong, weak = pair.scores[:, 0], pair.scores[:, 1]
    router = curve(need, strong, weak, pair.costs)
    oracle = best_possible(pair)
    ends = [(0.0, 0.0), (1.0, 1.0)]
    if pair.costs:
        ends = [(float(pair.costs[1].mean()), 0.0), (float(pair.costs[0].mean()), 1.0)]
    unit = 1000.0 if pair.costs else 1.0
    cheap, dear = (ends[0][0] * unit, float(weak.mean())), (ends[1][0] * unit, float(strong.mean()))

    def points(found: Curve) -> list[tuple[float, float]]:
        across = found.shares if found.costs is None else found.costs
        return [(float(x) * unit, float(y)) for x, y in zip(across, found.scores, strict=True)]

    lines = [
        Line("Penstock (cross-validated)", points(router)),
        Line("oracle", points(oracle)),
        Line("random mix", [cheap, dear], dashed=True),
        Line("all strong", [dear]),
        Line("all cheap", [cheap]),
    ]
    label = "USD per 1,000 calls" if pair.costs else "share of calls to the strong model"
    return chart(pair.name, label, "mean score", lines, f"{pair.strong} / {pair.weak}, {pair.n} prompts")


def best_possible(pair: Pair) -> Curve:
    """The strong model only where it scores more, the largest gain first, then where it does no harm."""
    order = np.argsort(pair.difference, kind="stable")
    steps = [round(share * pair.n) for share in np.linspace(0.0, 1.0, 21)]
    scores, costs = [], []
    for step in steps:
        chosen = np.zeros(pair.n, dtype=bool)
        chosen[order[:step]] = True
        scores.append(np.where(chosen, pair.scores[:, 0], pair.scores[:, 1]).mean())
        costs.append(np.where(chosen, *pair.costs).mean() if pair.costs else 0.0)
    return Curve(np.array(steps) / pair.n, np.array(scores), np.array(costs) if pair.costs else None)


def speed(pair: Pair, runs: int = 300) -> list[dict[str, Any]]:
    """CPU time of one prediction, features included, on prompts made of the set's own, each one once."""
    model, _ = pair.trained(np.arange(min(1500, pair.n)))
    rows = []
    text = "\n\n".join(pair.texts)
    text *= 1 + 2 * 51_200 // len(text)
    for size in (2048, 51_200):
        spent = []
        for run in range(runs):
            start = run * (len(text) - size) // runs
            prompt = text[start : start + size]
            begun = time.thread_time_ns()
            features: Features = prompt_features(prompt)
            model.predict(pair.tasks[0], features)
            spent.append((time.thread_time_ns() - begun) / 1000)
        rows.append(
            {
                "bytes": size,
                "cpu_us_median": float(np.median(spent)),
                "cpu_us_least": min(spent),
                "labels": model.labels,
            }
        )
    return rows


if __name__ == "__main__":
    main()
