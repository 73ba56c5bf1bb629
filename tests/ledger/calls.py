"""Calls for ledger tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penstock.engine.record import Call
from penstock.ledger.sqlite import open_ledger
from penstock.money import Picodollars
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage


def call(number: int = 1, **changes: Any) -> Call:
    fields: dict[str, Any] = {
        "id": f"call_{number:04d}",
        "started_at": 1000.0 + number,
        "task": "triage",
        "provider": "anthropic",
        "dialect": Dialect.ANTHROPIC_MESSAGES,
        "model_asked": "claude-haiku-4-5",
        "model_sent": "claude-haiku-4-5",
        "status": 200,
        "usage": Usage(input_uncached=10, output=5),
        "cost": Picodollars(7),
        "cost_before": Picodollars(9),
    }
    return Call(**{**fields, **changes})


def partly_simulated(folder: Path) -> Path:
    """A ledger of three callers' calls, the first with a simulated answer, one that only looks so, and one of ours."""
    path = folder / "simulated.db"
    with open_ledger(path) as ledger:
        marked = call(1, trace="run", tags={"simulated": "simulated"})
        ledger.append([marked, call(2, trace="run"), call(3, session='"simulated":'), call(4, arm="own")])
    return path
