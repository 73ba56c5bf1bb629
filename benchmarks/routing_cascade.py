"""A cascade on recorded answers: the cheap model first, free verifiers, the strong model where they turn it down.

What a verifier would have said is worked out from the recorded answer by the same checks that serve traffic
(``levers.route.verify``): empty answers, tools that are not offered, arguments that break their schema. Where the
source says whether a reply held readable JSON, a reply that did not is turned down too.

* The expected-cost rule: a cascade costs ``cheap + p * strong`` and beats asking the strong model at once where the
  share ``p`` that is turned down stays below ``1 - cheap / strong``. Share and costs are those of the learning rows.
* With difficulty, prompts that are not certified as easy go to the strong model at once. What the verifiers turn down
  costs no score, because the strong model answers it: so it counts as no loss where the easy part is certified.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing_data import Row
from penstock.evidence.certify import certify, sequence
from penstock.evidence.difficulty import LEAST_LABELS
from penstock.levers.route.verify import verify
from penstock.policy.schema import RoutePolicy
from penstock.wire.answer import Answer, ToolCall
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request

if TYPE_CHECKING:
    from benchmarks.routing import Pair

MARGIN = 0.05
LEARNINGS, SPLITS = 10, 20

_CHECKS = RoutePolicy(verify=("tool", "schema"))
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "bool": "boolean", "any": None}

Flags = NDArray[np.bool_]


def turned_down(row: Row, model: str) -> bool | None:
    """Whether free checks turn a model's recorded answer down; None when the answer was not recorded."""
    output = row.outputs.get(model)
    if output is None:
        return None
    answer = answer_of(output)
    if row.parsed.get(model) is False or answer is None:
        return True
    return verify(_request(row), answer, _CHECKS) is not None


def answer_of(output: Any) -> Answer | None:
    """A recorded answer: a text, or tool calls as mappings of name to arguments; None for what is neither."""
    if isinstance(output, str):
        return Answer(text=output)
    if not isinstance(output, list) or not all(isinstance(one, dict) for one in output):
        return None
    calls = [ToolCall("", name, _arguments(value)) for one in output for name, value in one.items()]
    return Answer(text="", tool_calls=tuple(calls))


def _arguments(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _request(row: Row) -> View:
    tools = [{"type": "function", "function": _function(one)} for one in row.functions]
    body = {"model": "m", "messages": [{"role": "user", "content": row.text}], **({"tools": tools} if tools else {})}
    return read_request(Dialect.OPENAI_CHAT, json.dumps(body).encode())


def _function(described: Any) -> dict[str, Any]:
    """A function as the API takes it: no dots in its name, and no schema where the source gives the name alone."""
    known = described if isinstance(described, dict) else {"name": described}
    return {"name": str(known.get("name")).replace(".", "_"), "parameters": _schema(known.get("parameters") or {})}


def _schema(value: Any) -> Any:
    """A schema in the source's Python types as JSON Schema; a type that is any is left out."""
    if isinstance(value, list):
        return [_schema(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: _schema(member) for name, member in value.items() if name != "type" or not isinstance(member, str)}
    named = value.get("type")
    if isinstance(named, str):
        kind = _TYPES.get(named, named)
        return found if kind is None else {**found, "type": kind}
    return found


def cascaded(pair: Pair, labels: int, rng: np.random.Generator) -> dict[str, Any] | None:
    """What the cascade does on held-out rows, with and without difficulty; None where answers were not recorded."""
    if pair.turned_down is None:
        return None
    down: Flags = pair.turned_down
    weak_right = pair.scores[:, 1] >= 0.5
    found: dict[str, list[Any]] = {}
    learning = min(labels, max(LEAST_LABELS, (2 * pair.n) // 5))
    calibration = (pair.n - learning) // 2
    after = np.where(down, 0.0, pair.difference)
    for _ in range(LEARNINGS):
        order = rng.permutation(pair.n)
        learn, rest = order[:learning], order[learning:]
        model, left_out = pair.trained(learn)
        thresholds = sequence(left_out, after[learn])
        predicted = pair.predicted(model, rest)
        pays = rule(pair, learn)
        found.setdefault("rule_cascades", []).append(np.nan if pays is None else float(pays))
        for _ in range(SPLITS):
            shuffled = rng.permutation(len(rest))
            calibrate, test = shuffled[:calibration], shuffled[calibration:]
            given = certify(predicted[calibrate], after[rest][calibrate], thresholds, margin=MARGIN)
            limit = np.inf if given.threshold is None else given.threshold
            rows, easy = rest[test], predicted[test] >= limit
            for name, tried in (("cascade", np.ones(len(rows), dtype=bool)), ("with_difficulty", easy)):
                for key, value in _outcome(pair, rows, tried).items():
                    found.setdefault(f"{name}.{key}", []).append(value)
    return {
        "turned_down": _rounded(down.mean()),
        "turned_down_of_right": _rounded(down[weak_right].mean() if weak_right.any() else np.nan),
        "turned_down_of_wrong": _rounded(down[~weak_right].mean() if not weak_right.all() else np.nan),
        "cheap_over_strong": None if pair.costs is None else _rounded(pair.costs[1].mean() / pair.costs[0].mean()),
        "rule_cascades": _mean(found["rule_cascades"]),
        "eps": MARGIN,
        "labels": {"learning": learning, "calibration": calibration, "test": pair.n - learning - calibration},
        **{
            name: {key.partition(".")[2]: _mean(values) for key, values in found.items() if key.startswith(f"{name}.")}
            for name in ("cascade", "with_difficulty")
        },
    }


def rule(pair: Pair, rows: NDArray[np.int64]) -> bool | None:
    """The expected-cost rule on some rows; None when costs are unknown."""
    if pair.costs is None or pair.turned_down is None:
        return None
    strong, cheap = pair.costs[0][rows].mean(), pair.costs[1][rows].mean()
    return bool(pair.turned_down[rows].mean() < 1.0 - cheap / strong)


def _outcome(pair: Pair, rows: NDArray[np.int64], tried: Flags) -> dict[str, float]:
    """Of rows whose ``tried`` prompts go to the cheap model first."""
    if pair.turned_down is None:  # pragma: no cover - the caller looked
        raise ValueError("no answers")
    stays = tried & ~pair.turned_down[rows]
    loss = float(-pair.difference[rows][stays].sum() / len(rows))
    found = {"answered_by_cheap": float(stays.mean()), "loss": loss, "violations": float(loss > MARGIN)}
    if pair.costs is not None:
        strong, cheap = pair.costs[0][rows], pair.costs[1][rows]
        found["cost_over_strong"] = float((cheap[tried].sum() + strong[~stays].sum()) / strong.sum())
    return found


def _mean(values: list[float]) -> float | None:
    return _rounded(np.nanmean(values)) if not np.isnan(values).all() else None


def _rounded(value: Any) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
