from __future__ import annotations

from penstock.client.core import Core
from penstock.engine.context import EngineContext
from penstock.ledger.books import Books
from penstock.policy.schema import Policy


def test_clock_and_ids_are_the_caller_s() -> None:
    core = Core(EngineContext(Policy()), Books(), clock=lambda: 7.0, ids=lambda: "call_7")
    assert (core.clock(), core.ids()) == (7.0, "call_7")
    with core.lock, core.lock:  # a record may be kept while a call plans
        pass
