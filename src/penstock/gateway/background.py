"""Requests of our own: shadows, judges and warming. They take a place in the callers' limits, behind every caller.

A place is one among the running calls and room in the provider's limits for the key and the model. A request that finds
none in time is dropped and counted: no caller waits for it, and no caller is refused because of it. One that the
provider refuses with 429 is not sent again, and those after it stand back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import NamedTuple

import msgspec

from penstock.engine.steps import Sent, Shadow, Warm
from penstock.errors import UpstreamError
from penstock.gateway.headers import Lines, header, replaced
from penstock.gateway.limits import Need, limits_of, need_of
from penstock.gateway.metrics import Metrics
from penstock.gateway.pacing import Lane, NoRoom, Pacer, Place, lane_key
from penstock.gateway.problems import error_kind
from penstock.gateway.resilience import Endpoint
from penstock.gateway.response import Response
from penstock.gateway.retry import TOO_MANY, retry_after
from penstock.gateway.settings import Settings
from penstock.policy.serving import Resilience
from penstock.telemetry.names import DROPPED
from penstock.wire.content_encoding import READABLE, plain_body
from penstock.wire.usage import Usage

STAND_BACK_S = 10.0
"""Seconds after a 429 that names none."""

_BYTES_PER_TOKEN = 4
"""Of a judge's request, which no plan has counted; answers correct what is learnt of the limits."""


class Way(NamedTuple):
    """How a call of the caller went.

    Attributes:
        provider: to which provider.
        target: path and query.
        lines: with which headers.
        owner: whose limits at the provider: the caller's own key, or None for the policy's.
    """

    provider: str
    target: bytes
    lines: Lines
    owner: Hashable = None


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """A request of our own.

    Attributes:
        body: the bytes to send.
        model: that they name.
        purpose: ``shadow``, ``judge``, ``prewarm`` or ``keep_alive``.
        usage: expected.
        cap: its output cap, or None.
    """

    body: bytes
    model: str
    purpose: str
    usage: Usage
    cap: int | None = None


class Background:
    """The places of one gateway's own requests.

    Args:
        pacer: the lanes of the callers.
        metrics: counts what is dropped.
        settings: limits.
        rules: gives the policy's section on resilience.
        callers: gives how many calls of callers run.
        clock: seconds since the epoch.

    Attributes:
        running: requests that have a place now.
    """

    def __init__(
        self,
        pacer: Pacer,
        metrics: Metrics,
        settings: Settings,
        *,
        rules: Callable[[], Resilience],
        callers: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._pacer = pacer
        self._metrics = metrics
        self._settings = settings
        self._rules = rules
        self._callers = callers
        self._clock = clock
        self.running = 0

    def dropped(self, purpose: str, reason: str) -> None:
        """Count a request that is not sent."""
        self._metrics.count(DROPPED, (("purpose", purpose), ("reason", reason)))

    def has_place(self, own: Own, way: Way) -> bool:
        """Whether a request could go at this moment; one that could not is counted as dropped."""
        lane = self._lane(own, way)
        now = asyncio.get_running_loop().time()
        if self._crowded():
            self.dropped(own.purpose, "running")
        elif lane is not None and lane.spare_wait_s(_need(own, way), now) > 0.0:
            self.dropped(own.purpose, "limits")
        else:
            return True
        return False

    async def send(
        self,
        own: Own,
        endpoint: Endpoint,
        way: Way,
        *,
        longest_s: float,
        began: Callable[[float], object] | None = None,
    ) -> Sent | None:
        """Send a request once it has a place; None when it was dropped.

        Args:
            own: the request.
            endpoint: the provider.
            way: of the call that it is for.
            longest_s: the longest wait for room.
            began: told when an answer with a 2xx status began, seconds since the epoch.
        """
        lane = self._lane(own, way)
        place = None
        if lane is not None:
            try:
                place = await lane.enter_behind(_need(own, way), longest_s=longest_s)
            except NoRoom:
                self.dropped(own.purpose, "limits")
                return None
        if self._crowded():
            if lane is not None and place is not None:
                lane.leave(place)
            self.dropped(own.purpose, "running")
            return None
        self.running += 1
        try:
            return await self._sent(own, endpoint, way, lane, place, began)
        finally:
            self.running -= 1
            if lane is not None and place is not None:
                lane.leave(place)

    async def _sent(  # noqa: PLR0917 - what a request on its way has
        self,
        own: Own,
        endpoint: Endpoint,
        way: Way,
        lane: Lane | None,
        place: Place | None,
        began: Callable[[float], object] | None,
    ) -> Sent:
        clock = self._clock
        sent_at = clock()
        status: int | None = None
        try:
            lines = replaced(way.lines, b"accept-encoding", READABLE)
            response = await endpoint.request(b"POST", way.target, lines, own.body, full=lambda _: lane is not None)
            status, first_at = response.status, clock()
            if lane is not None and place is not None:
                self._learn(response, lane, place)
            accepted = 200 <= status < 300  # noqa: PLR2004 - the class of success
            if accepted and began is not None:
                began(first_at)
            raw = await response.read(self._settings.max_answer)
            return Sent(
                status=status,
                body=plain_body(raw, header(response.headers, b"content-encoding")),
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=clock(),
                error_kind=None if accepted else f"http_{status}",
            )
        except UpstreamError as error:
            return Sent(status=status, started_at=sent_at, ended_at=clock(), error_kind=error_kind(error))

    def _learn(self, response: Response, lane: Lane, place: Place) -> None:
        now = asyncio.get_running_loop().time()
        limits = limits_of(response.headers, self._clock())
        if limits:
            lane.learn(limits, place, now)
        if response.status == TOO_MANY:
            told = retry_after(response.headers, self._clock())
            lane.stand_back(STAND_BACK_S if told is None else told, now)

    def _crowded(self) -> bool:
        return self._callers() + self.running >= self._rules().running

    def _lane(self, own: Own, way: Way) -> Lane | None:
        if not self._rules().pace:
            return None
        return self._pacer.lane(lane_key(way.provider, way.owner, own.model))


def own_of(step: Shadow | Warm) -> Own:
    """A step as a request of our own. A shadow's prompt is expected to be in no cache of the model that it asks."""
    if isinstance(step, Warm):
        return Own(body=step.body, model=step.model, purpose=step.purpose, usage=step.expected)
    expected = step.plan.before.usage
    if step.purpose != "shadow":
        usage = Usage(input_uncached=len(step.body) // _BYTES_PER_TOKEN)
        return Own(body=step.body, model=step.model, purpose=step.purpose, usage=usage)
    cap = step.plan.view.cap
    return Own(
        body=step.body,
        model=step.model,
        purpose=step.purpose,
        usage=Usage(input_uncached=expected.input_total, output=expected.output),
        cap=None if cap is None else cap[1],
    )


def _need(own: Own, way: Way) -> Need:
    return need_of(way.provider, own.model, own.usage, own.cap)
