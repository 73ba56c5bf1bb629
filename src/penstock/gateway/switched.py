"""Requests for a WebSocket (RFC 9110, 7.8; RFC 6455, 4): after the provider's 101, bytes pass both ways as they come.

What they say is not read: such a session is in the ledger with the time that it took and an unknown cost.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from penstock.engine.session import session_call
from penstock.errors import UpstreamError
from penstock.gateway.admission import tags_of
from penstock.gateway.caller import CallerGone
from penstock.gateway.connection import SWITCHED, Connection
from penstock.gateway.headers import Asked, Lines, backward
from penstock.gateway.house import House
from penstock.gateway.keys import Holder
from penstock.gateway.problems import error_kind, unreachable
from penstock.gateway.response import Response
from penstock.gateway.routes import Route
from penstock.gateway.turn import Turn

_SWITCH: Lines = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")]
_SILENCE_S = 86_400.0
"""Neither side needs to say anything for a day; the provider ends its sessions much earlier."""


class Session:
    """Carries one session from its request to its record.

    Args:
        house: what the gateway's calls share.
        turn: who asks.
        route: where to.
        asked: the headers.
        holder: whose key it came with, or None where no keys are asked for.
        call_id: ours.
        query: of the request, with its question mark, or empty.
    """

    def __init__(
        self, house: House, turn: Turn, route: Route, asked: Asked, holder: Holder | None, *, call_id: str, query: bytes
    ) -> None:
        self._house = house
        self._turn = turn
        self._route = route
        self._asked = asked
        self._holder = holder
        self._call_id = call_id
        self._query = query
        self._started_at = house.clock()
        self._opened_at: float | None = None
        self._error_kind: str | None = None

    async def run(self) -> int | None:
        """Carry it; the status of the provider's answer, None when none came. The record is kept in any case."""
        turn, status = self._turn, None
        try:
            turn.watch()
            response, connection = await self._ask()
            turn.unwatch()
            status = response.status
            await self._pass(response, connection)
        except UpstreamError as error:
            self._error_kind = error_kind(error)
            self._house.log.warning("upstream", call=self._call_id, provider=self._route.provider, error=str(error))
            if not turn.started:
                await turn.refuse(unreachable(error), self._route.provider, self._call_id)
        except asyncio.CancelledError:
            if not turn.gone:
                raise
            self._error_kind = "closed_by_caller"
        finally:
            turn.unwatch()
            self._record(status)
        return status

    async def _ask(self) -> tuple[Response, Connection]:
        house, route = self._house, self._route
        lines = [*house.credentials(route.provider, self._asked), *_SWITCH]
        return await house.upstreams[route.provider].switch(route.path + self._query, lines)

    async def _pass(self, response: Response, connection: Connection) -> None:
        """Give the caller the provider's answer, and carry the session if it is a yes."""
        turn, lines = self._turn, backward(response.headers)
        lines.append((b"x-penstock-call-id", self._call_id.encode("ascii")))
        try:
            if response.status != SWITCHED:
                await turn.begin(response.status, lines)
                async for chunk in response.chunks:
                    await turn.pass_on(chunk)
            else:
                self._opened_at = self._house.clock()
                await turn.begin(SWITCHED, [*lines, (b"x-penstock-cost-usd", b"unknown"), *_SWITCH])
                await _both_ways(turn, response, connection)
            await turn.end()
        finally:
            response.close()

    def _record(self, status: int | None) -> None:
        labels, named = self._asked.labels, parse_qs(self._query[1:].decode("latin-1")).get("model", [""])
        call = session_call(
            call_id=self._call_id,
            started_at=self._started_at,
            ended_at=self._house.clock(),
            provider=self._route.provider,
            model=named[0],
            status=status,
            opened_at=self._opened_at,
            error_kind=self._error_kind or (f"http_{status}" if status is not None and status >= 400 else None),  # noqa: PLR2004 - HTTP
            task=labels.task,
            session=labels.session,
            trace=labels.trace,
            tags=tags_of(labels, self._holder),
        )
        self._house.books.keep(call)


async def _both_ways(turn: Turn, response: Response, connection: Connection) -> None:
    """Pass bytes until one side ends; the other is ended then."""

    async def out() -> None:
        try:
            async for part in turn.parts(b"", _SILENCE_S):
                if not await connection.write((part,)):
                    return
        except CallerGone:
            return
        finally:
            connection.close()

    there = asyncio.ensure_future(out())
    try:
        async for chunk in response.chunks:
            await turn.pass_on(chunk)
    finally:
        there.cancel()
        await asyncio.gather(there, return_exceptions=True)
