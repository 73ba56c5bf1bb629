"""Requests that we do not plan: forwarded as they came, streaming both ways."""

from __future__ import annotations

import asyncio

from penstock.errors import UpstreamError
from penstock.gateway.caller import Caller
from penstock.gateway.headers import Asked, backward
from penstock.gateway.house import House
from penstock.gateway.problems import unreachable
from penstock.gateway.routes import Route


async def pass_through(
    house: House, caller: Caller, route: Route, asked: Asked, *, method: str, call_id: str, query: bytes
) -> int | None:
    """Forward a request and its answer; returns the status, None when the caller or the provider was lost."""
    patience_s = house.settings.body_s
    first, more = await caller.first_part(patience_s)
    body = caller.parts(first, patience_s) if more else first
    if not more:
        caller.watch()
    try:
        response = await house.upstreams[route.provider].request(
            method.encode("ascii"),
            route.path + query,
            house.credentials(route.provider, asked),
            body,
            length=asked.length if more else None,
        )
        try:
            await caller.begin(response.status, backward(response.headers))
            async for chunk in response.chunks:
                await caller.pass_on(chunk)
            await caller.end()
        finally:
            response.close()
    except UpstreamError as error:
        house.log.warning("upstream", call=call_id, provider=route.provider, error=str(error))
        if not caller.started:
            await caller.refuse(unreachable(error), route.provider, call_id)
        return None
    except asyncio.CancelledError:
        if not caller.gone:
            raise
        return None
    finally:
        caller.unwatch()
    return response.status
