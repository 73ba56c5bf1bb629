"""A process that learns beside others on one ledger: ``python -m tests.ledger.learning_process LEDGER NAME OTHERS``.

It learns ``CALLS`` answers of a length of its own and of one that is everybody's, and ends well once it knows what all
have learnt, its own included, each exactly once.
"""

from __future__ import annotations

import sys
import threading
import time

from penstock.evidence.lengths import LengthKey
from penstock.ledger.evidencekeeper import EvidenceKeeper, UnderLock
from tests.ledger.calls import call

CALLS = 40
KEY = LengthKey("triage", "m")
PATIENCE_S = 60.0


def main(path: str, number: int, processes: int) -> None:
    lock = threading.RLock()
    keeper = EvidenceKeeper(
        path, clock=time.time, writer=f"process {number}", every_s=0.02, sparing=0.5, carry=UnderLock(lock)
    )
    for _ in range(CALLS):
        with lock:
            keeper.evidence.lengths.add(KEY, 10 + number)
            keeper.evidence.lengths.add(KEY, 5)
            keeper.heard(call())
        time.sleep(0.005)
    expected = {5: processes * CALLS, **{10 + one: CALLS for one in range(processes)}}
    deadline = time.monotonic() + PATIENCE_S
    known: dict[int, int] = {}
    while known != expected and time.monotonic() < deadline:
        time.sleep(0.01)
        with lock:
            keeper.heard(call())
            lengths = keeper.evidence.lengths.of(KEY)
            known = {} if lengths is None else dict(lengths.whole)
    with lock:
        written = keeper.close()
    sys.exit(0 if written and known == expected else f"{number} knows {known}, written: {written}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
