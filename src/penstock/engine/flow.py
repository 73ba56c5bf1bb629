"""Walks a call's generator for a driver: records are kept on the way, only what needs I/O comes out."""

from __future__ import annotations

from collections.abc import Callable

from penstock.engine.call import Incoming, Outcome, run_call
from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.engine.steps import Amend, Grade, Hold, Later, Record, Result, Send, Shadow, Warm


class Flow:
    """One call on its way.

        flow = Flow(incoming, context, keep)
        step = flow.advance()
        while step is not None:
            step = flow.advance(result_of(step))
        flow.outcome

    It fails open: when the engine raises, the client's bytes are sent, the failure is counted in the context, and the
    call has no outcome; the answer to show is then the last one that came.

    Args:
        request: as it came.
        context: shared by the process's calls.
        keep: given the call's record, once.
        warm: sends a warming request in the background, and says whether it will; None for a driver that cannot.
        amend: given the record that takes its place, when a batched shadow is over; None where none are sent so.

    Attributes:
        outcome: what the caller gets: there from the first Shadow or Grade on if there is one, else when the call is
            over. None while it runs, or when the engine failed.
    """

    __slots__ = ("_amend", "_asked", "_context", "_keep", "_request", "_steps", "_warm", "outcome")

    def __init__(
        self,
        request: Incoming,
        context: EngineContext,
        keep: Callable[[Call], object],
        warm: Callable[[Warm], bool] | None = None,
        amend: Callable[[Call], object] | None = None,
    ) -> None:
        self._request = request
        self._context = context
        self._steps = run_call(request, context)
        self._keep = keep
        self._warm = warm
        self._amend = amend
        self._asked = False
        self.outcome: Outcome | None = None

    def advance(self, result: Result = None) -> Send | Hold | Later | None:
        """Give the last step's result and get the next step; None when the call is over."""
        try:
            step = self._steps.send(result)
            while isinstance(step, Record | Amend | Warm):
                self._carry_out(step)
                step = self._steps.send(None)
            if isinstance(step, Shadow | Grade):
                self.outcome = Outcome(sent=step.sent, call=step.call, plan=step.plan)
        except StopIteration as end:
            self.outcome = end.value
            return None
        except Exception as error:  # noqa: BLE001 - a fault of ours may not stop a call
            self._context.failures[f"engine: {type(error).__name__}"] += 1
            if self._asked:
                return None
            step = Send(body=self._request.raw, model="", dialect=self._request.dialect)
        self._asked = True
        return step

    def _carry_out(self, step: Record | Amend | Warm) -> None:
        """What needs no result."""
        if isinstance(step, Record):
            self._keep(step.call)
        elif isinstance(step, Amend):
            if self._amend is not None:
                self._amend(step.call)
        elif self._warm is None or not self._warm(step):
            self._context.warmed(step, None)

    def later(self, result: Result = None) -> Later | None:
        """``advance`` once the caller has the answer: only what nobody waits for is left."""
        step = self.advance(result)
        while step is not None and not isinstance(step, Shadow | Grade):
            step = self.advance()
        return step

    def give_up(self) -> None:
        """End a call whose caller has the answer, without what is left to do."""
        while self.later() is not None:
            pass
