"""Requests through the engine on a simulated provider, with its keep-alive requests between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.engine.call import Incoming, run_call
from penstock.engine.context import EngineContext
from penstock.engine.steps import Result, Send, Sent
from penstock.policy.schema import Policy
from penstock.simulator.provider import Provider
from penstock.wire.dialect import Dialect

LOOK_S = 5.0
"""Seconds between two looks at what is due."""
_HEADERS = {
    "anthropic-version": "2023-06-01",
    "authorization": "Bearer simulated",
    "content-type": "application/json",
}


class Asked(NamedTuple):
    """A request: when, its body, and whose conversation it is of."""

    at: float
    body: bytes
    session: str


class Driver:
    """Carries out one engine's steps on one provider.

    Attributes:
        kept_alive: keep-alive requests that were sent.
    """

    def __init__(self, policy: Policy, provider: Provider, task: str) -> None:
        self._context = EngineContext(policy)
        self._provider = provider
        self._task = task
        self.kept_alive = 0

    def send(self, dialect: Dialect, requests: Sequence[Asked]) -> None:
        """The requests in order of time, and what is due before each of them."""
        now = requests[0].at
        for number, request in enumerate(requests):
            while now + LOOK_S < request.at and len(self._context.warming):
                now += LOOK_S
                self._look(now)
            now = request.at
            self._call(dialect, request, f"call-{number}")

    def _call(self, dialect: Dialect, request: Asked, call_id: str) -> None:
        incoming = Incoming(
            call_id=call_id,
            dialect=dialect,
            raw=request.body,
            task=self._task,
            session=request.session,
            started_at=request.at,
        )
        steps = run_call(incoming, self._context)
        result: Result = None
        try:
            while True:
                step = steps.send(result)
                result = self._sent(dialect, step.body, call_id, request.at) if isinstance(step, Send) else None
        except StopIteration:
            return

    def _look(self, now: float) -> None:
        context = self._context
        for warm in context.warming.due(now):
            self.kept_alive += 1
            context.warms(warm, now)
            context.warmed(warm, self._sent(warm.dialect, warm.body, warm.id, now))

    def _sent(self, dialect: Dialect, body: bytes, call_id: str, at: float) -> Sent:
        response = self._provider.handle("POST", dialect.path, _HEADERS, body, at)
        begun = at + response.first_byte_s
        self._provider.begin(response, begun)
        if response.status == 200:
            self._context.began(call_id, begun)
        self._provider.finish(response, len(response.chunks))
        return Sent(status=response.status, body=response.body, started_at=at, first_byte_at=begun, ended_at=begun)
