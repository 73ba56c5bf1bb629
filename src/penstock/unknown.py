"""Unknown is a value of its own, never 0 and never a guess."""

from __future__ import annotations

import msgspec


class Unknown(msgspec.Struct, frozen=True):
    """What is not known, and why.

    Attributes:
        why: one clause, fit to follow "unknown: " (for example ``no price for model gpt-9``).
    """

    why: str

    def __bool__(self) -> bool:
        """Always False, so that ``if price:`` never takes an unknown for a value."""
        return False
