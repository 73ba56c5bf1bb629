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
    """

    id: str
    task: str
    text: str
    scores: dict[str, float]
    tokens: dict[str, tuple[int, int]] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    tools: int = 0


def read_rows(folder: Path) -> dict[str, list[Row]]:
    """Every ``*.jsonl`` or ``*.jsonl.gz`` of the folder: file stem -> rows. Rows without scores are left out."""
    found: dict[str, list[Row]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.endswith((".jsonl.gz", ".jsonl")):
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", encoding="utf-8") as lines:
                rows = [row for line in lines if line.strip() and (row := _row(json.loads(line)))]
            if rows:
                found[path.name.split(".")[0]] = rows
    if not found:
        raise SystemExit(f"no routing rows (*.jsonl.gz) in {folder}")
    return found


def _row(raw: dict[str, Any]) -> Row | None:
    models: dict[str, dict[str, Any]] = raw.get("models") or {}
    scores = {name: float(model["score"]) for name, model in models.items() if model.get("score") is not None}
    if not scores:
        return None
    text = raw.get("prompt") or raw.get("question") or ""
    tokens = {
        name: (int(model.get("in_tok") or raw.get("in_tok") or 0), int(model["out_tok"]))
        for name, model in models.items()
        if model.get("out_tok") is not None
    }
    cost = {name: float(model["cost_usd"]) for name, model in models.items() if model.get("cost_usd") is not None}
    tools = len(raw.get("functions") or ())
    return Row(str(raw["id"]), str(raw.get("task", "")), str(text), scores, tokens, cost, tools)
