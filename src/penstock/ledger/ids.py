"""Ids of calls: ordered by time, unique across processes, cheap."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count


def call_ids(clock: Callable[[], float]) -> Callable[[], str]:
    """A source of ids such as ``call_0199f2a1b3c4_5f1e8a90_000001``: milliseconds, process, counter."""
    process = os.urandom(4).hex()
    numbers = count(1)

    def next_id() -> str:
        return f"call_{int(clock() * 1000):012x}_{process}_{next(numbers):06x}"

    return next_id
