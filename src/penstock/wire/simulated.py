"""How our simulator says in each response that no model is behind it. A provider's header, none of Penstock's own."""

from __future__ import annotations

HEADER, VALUE = "x-simulator", "answers are simulated"


def is_simulated(said: str | None) -> bool:
    """Whether a response is simulated, by the value of its header; None where it has none."""
    return said == VALUE
