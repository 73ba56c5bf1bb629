"""Calls for ledger tests."""

from __future__ import annotations

from typing import Any

from penstock.engine.record import Call
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
