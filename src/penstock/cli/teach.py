"""A ledger that begins with what a log teaches, for ``penstock replay --teach``."""

from __future__ import annotations

import time
from pathlib import Path

from penstock.errors import UsageError
from penstock.evidence.store import Evidence
from penstock.ledger.learnt import learnt
from penstock.ledger.sqlite import open_ledger

WRITER = "replay"
"""The writer's name of evidence that no live traffic has added to yet."""


def check_pupil(path: Path) -> None:
    """Refuse a ledger that live traffic has taught: what it knows is better.

    Raises:
        UsageError: for such a ledger.
        InputError: for a file that is no ledger.
    """
    if not path.exists():
        return
    with open_ledger(path) as ledger:
        others = ledger.evidence.writers() - {WRITER}
    if others:
        raise UsageError(
            f"--teach {path}: this ledger has learnt from live traffic", hint="give a ledger that is new, or none"
        )


def teach(path: Path, evidence: Evidence) -> None:
    """Keep a prior in a ledger, made if it is missing.

    Raises:
        InternalError: the file cannot be written.
    """
    at = time.time()
    with open_ledger(path) as ledger:
        ledger.evidence.save([learnt(name, values(), at) for name, values in evidence.snapshot().items()], WRITER)
