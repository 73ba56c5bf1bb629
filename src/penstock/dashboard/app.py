"""The pages' routes. Reading only: every page opens the ledger anew, reads one state of it and closes it.

    /               the bill, saving by lever over time, proof, unknowns, alarms      ?period=day|week|month|all
    /tasks          tasks, models, quality gates, why levers stood down
    /calls          newest calls                                                      ?task= ?model= ?before=CALL
    /calls/ID       one call with its edits and its arithmetic
    /traces/KEY     the steps of one run, the first that went wrong marked

A request is answered only under a host name that is ours: no other site can have its own name point here and read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from penstock.dashboard.calls import calls, one_call
from penstock.dashboard.overview import MOST_CALLS, Period, overview
from penstock.dashboard.pages import icon, page, style
from penstock.dashboard.tasks import tasks
from penstock.errors import InputError
from penstock.ledger.runs import agreements_of, find_run
from penstock.ledger.sqlite import read_ledger
from penstock.policy.schema import Policy

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""On every response."""

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Pages:
    """The pages over one ledger.

    Args:
        file: the ledger.
        policy: for the terms of the gates.
    """

    def __init__(self, file: Path, policy: Policy) -> None:
        self._file = file
        self._policy = policy

    def overview(self, request: Request) -> Response:
        """The first page."""
        asked = request.query_params.get("period", Period.ALL)
        if asked not in list(Period):
            raise HTTPException(404, f"no period {asked!r}; one of {', '.join(Period)}")
        with read_ledger(self._file) as ledger:
            found = overview(ledger, Period(asked))
        return self._html("overview", found=found, periods=list(Period), most=MOST_CALLS)

    def tasks(self, _: Request) -> Response:
        """Tasks and gates."""
        with read_ledger(self._file) as ledger:
            found = tasks(ledger, self._policy)
        return self._html("tasks", found=found)

    def calls(self, request: Request) -> Response:
        """The list of calls."""
        asked = {name: request.query_params.get(name) or None for name in ("task", "model", "before")}
        with read_ledger(self._file) as ledger:
            found = calls(ledger, **asked)
        return self._html("calls", found=found)

    def call(self, request: Request) -> Response:
        """One call."""
        name = request.path_params["call"]
        with read_ledger(self._file) as ledger:
            call = ledger.get(name)
        if call is None:
            raise HTTPException(404, f"the ledger has no call {name}")
        return self._html("call", found=one_call(call))

    def trace(self, request: Request) -> Response:
        """One run."""
        key = request.path_params["key"]
        with read_ledger(self._file) as ledger:
            run = find_run(ledger, key)
        if run is None:
            raise HTTPException(404, f"the ledger has no call of the trace {key}")
        return self._html("trace", run=run, agreements=[agreements_of(step) for step in run.steps])

    def unread(self, _: Request, error: Exception) -> Response:
        """The ledger cannot be read now."""
        hint = error.hint if isinstance(error, InputError) else None
        return self._html("problem", 503, title="The ledger cannot be read", text=str(error), hint=hint)

    def refused(self, _: Request, error: Exception) -> Response:
        """Nothing is there."""
        status, text = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
        title = {404: "Not found", 405: "These pages are for reading only"}.get(status, "Not possible")
        return self._html("problem", status, title=title, text=text, hint=None)

    def _html(self, name: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(page(name, ledger=self._file.name, **values), status)


def application(file: Path, policy: Policy, hosts: frozenset[str] | None) -> Callable[..., Awaitable[None]]:
    """The ASGI application.

    Args:
        file: the ledger.
        policy: for the terms of the gates.
        hosts: names, without a port, under which it is asked; None answers under any.
    """
    pages = Pages(file, policy)
    routes = [
        Route("/", pages.overview),
        Route("/tasks", pages.tasks),
        Route("/calls", pages.calls),
        Route("/calls/{call:path}", pages.call),
        Route("/traces/{key:path}", pages.trace),
        Route("/style.css", lambda _: Response(style(), media_type="text/css")),
        Route("/mark.svg", lambda _: Response(icon(), media_type="image/svg+xml")),
    ]
    handlers: dict[Any, Any] = {InputError: pages.unread, sqlite3.Error: pages.unread, HTTPException: pages.refused}
    return guarded(Starlette(routes=routes, exception_handlers=handlers), hosts)


def guarded(inner: Callable[..., Awaitable[None]], hosts: frozenset[str] | None) -> Callable[..., Awaitable[None]]:
    """An application that has ``HEADERS`` on every response and refuses names that are not among ``hosts``."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        if scope["type"] == "http" and hosts is not None and _name(scope) not in hosts:
            refused = PlainTextResponse("not a name of this server\n", 421)
            await refused(scope, receive, send_guarded)
        else:
            await inner(scope, receive, send_guarded)

    return serve


def _name(scope: Scope) -> str:
    """The host that was asked for, without its port; brackets stay."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and (":" not in name or name.endswith("]")) else host
