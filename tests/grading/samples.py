"""Graders of a user, as the policy names them: ``python:tests.grading.samples:by_length``."""

from __future__ import annotations

import threading
from typing import Any

hangs = threading.Event()
"""Ends what `hanging` waits for."""


def by_length(pair: dict[str, Any]) -> tuple[float, float]:
    """Text of up to ten characters is good in proportion to its length."""
    reference, candidate = (min(1.0, len(pair[side]["text"]) / 10) for side in ("reference", "candidate"))
    return reference, candidate


def lenient(pair: dict[str, Any]) -> dict[str, float]:
    """Everything is right."""
    assert pair["request"]["messages"]
    return {"reference": 1.0, "candidate": 1.0}


def failing(pair: dict[str, Any]) -> tuple[float, float]:
    raise KeyError(pair["reference"]["text"])


def wrong(pair: dict[str, Any]) -> float:
    return 1.5


def hanging(pair: dict[str, Any]) -> tuple[float, float]:
    hangs.wait()
    return 1.0, 1.0


NOT_A_FUNCTION = 7
