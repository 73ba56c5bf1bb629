"""Walks a call's generator for a driver: records are kept on the way, only what needs I/O comes out."""

from __future__ import annotations

from collections.abc import Callable

from penstock.engine.call import Incoming, Outcome, run_call
from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Hold, Record, Result, Send, Shadow


class Flow:
    """One call on its way.

        flow = Flow(incoming, context, keep)
        step = flow.advance()
        while step is not None:
            step = flow.advance(result_of(step))
        flow.outcome

    Args:
        request: as it came.
        context: shared by the process's calls.
        keep: given the call's record, once.

    Attributes:
        outcome: the end of the call, or None while it runs.
    """

    __slots__ = ("_keep", "_steps", "outcome")

    def __init__(self, request: Incoming, context: EngineContext, keep: Callable[[Call], object]) -> None:
        self._steps = run_call(request, context)
        self._keep = keep
        self.outcome: Outcome | None = None

    def advance(self, result: Result = None) -> Send | Hold | Shadow | None:
        """Give the last step's result and get the next step; None when the call is over."""
        try:
            step = self._steps.send(result)
            while isinstance(step, Record):
                self._keep(step.call)
                step = self._steps.send(None)
        except StopIteration as end:
            self.outcome = end.value
            return None
        return step
