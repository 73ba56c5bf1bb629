"""Rows of the ``routing-*`` folders: what was asked, of which task, and how each model scored."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One question with every model's recorded result.

    Attributes:
        text: the question.
        scores: model -> 0..1.
        tokens: model -> prompt and answer tokens, where the source has them.
        cost: model -> USD, where the source has it.
        tools: number of functions offered.
        functions: as the source describes them.
        outputs: model -> its answer, a text or tool calls, where the source has it.
        parsed: model -> whether its answer held readable JSON, where the source says so.
    """

    id: str
    task: str
    text: str
    scores: dict[str, float]
    tokens: dict[str, tuple[int, int]] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    tools: int = 0
    functions: list[dict[str, Any]] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    parsed: dict[str, bool] = field(default_factory=dict)


def read_rows(folder: Path) -> dict[str, list[Row]]:
    """Every ``*.jsonl`` or ``*.jsonl.gz`` of the folder: file stem -> rows. Rows without scores are left out."""
    if not folder.is_dir():
        raise SystemExit(f"{folder} is no folder\nhint: --data takes a folder that holds *.jsonl or *.jsonl.gz")
    found: dict[str, list[Row]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".jsonl.gz", ".jsonl")):
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", encoding="utf-8") as lines:
                rows = [row for n, line in enumerate(lines, 1) if line.strip() and (row := _read(path, n, line))]
            if rows:
                found[path.name.split(".")[0]] = rows
    if not found:
        raise SystemExit(
            f"no rows with scores in {folder}\n"
            'hint: a line of *.jsonl or *.jsonl.gz is {"id", "task", "prompt", "models": {NAME: {"score": 0..1}}}'
        )
    return found


def _read(path: Path, number: int, line: str) -> Row | None:
    try:
        return _row(json.loads(line))
    except (ValueError, TypeError, AttributeError) as error:
        raise SystemExit(f"{path}: line {number} is no row of a routing set: {error}") from None


def _row(raw: dict[str, Any]) -> Row | None:
    models: dict[str, dict[str, Any]] = raw.get("models") or {}
    scores = {name: float(model["score"]) for name, model in models.items() if model.get("score") is not None}
    if not scores:
        return None
    if not all(0.0 <= score <= 1.0 for score in scores.values()):
        raise ValueError("a score lies in 0..1")
    text = raw.get("prompt") or raw.get("question") or ""
    tokens = {
        name: (int(model.get("in_tok") or raw.get("in_tok") or 0), int(model["out_tok"]))
        for name, model in models.items()
        if model.get("out_tok") is not None
    }
    cost = {name: float(model["cost_usd"]) for name, model in models.items() if model.get("cost_usd") is not None}
    given = raw.get("functions") or []
    functions = [given] if isinstance(given, dict) else list(given)
    return Row(
        id=str(raw.get("id", "")),
        task=str(raw.get("task") or ""),
        text=str(text),
        scores=scores,
        tokens=tokens,
        cost=cost,
        tools=len(functions),
        functions=functions,
        outputs={name: model["output"] for name, model in models.items() if model.get("output") is not None},
        parsed={name: bool(model["parsed"]) for name, model in models.items() if model.get("parsed") is not None},
    )
