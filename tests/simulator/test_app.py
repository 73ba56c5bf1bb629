from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import msgspec
import pytest

from penstock.simulator.app import App
from penstock.simulator.clock import Clock, ManualClock, RealClock
from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from tests.simulator.asking import ANTHROPIC, messages


class Wire:
    """One ASGI request: what the app receives, and what it sent."""

    def __init__(self, body: bytes, *, leaves: bool = False) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self._incoming = [
            {"type": "http.request", "body": body[:10], "more_body": True},
            {"type": "http.request", "body": body[10:], "more_body": False},
        ]
        self._leaves = leaves

    async def receive(self) -> MutableMapping[str, Any]:
        if self._incoming:
            return self._incoming.pop(0)
        if self._leaves:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def serve(
    app: App,
    body: dict[str, Any],
    *,
    path: str = "/v1/messages",
    fault: str = "",
    leaves: bool = False,
    method: str = "POST",
) -> Wire:
    wire = Wire(msgspec.json.encode(body), leaves=leaves)
    headers = {**ANTHROPIC, "x-simulator-fault": fault}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"beta=true",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, wire.receive, wire.send)
    return wire


def app_of(config: Config | None = None, clock: Clock | None = None, *, controllable: bool = False) -> App:
    return App(Provider(config), clock or ManualClock(), controllable=controllable)


async def test_a_plain_answer_has_its_length_and_is_booked_before_it_ends() -> None:
    app = app_of()
    wire = await serve(app, messages())
    start, end = wire.sent
    assert start["status"] == 200
    assert (b"content-length", str(len(wire.body)).encode()) in start["headers"]
    assert end["more_body"] is False
    assert app.provider.logged()[0].path == "/v1/messages?beta=true"
    assert app.provider.billed()[0].complete


async def test_a_stream_goes_out_event_by_event() -> None:
    app = app_of()
    wire = await serve(app, messages(stream=True))
    assert (b"content-type", b"text/event-stream; charset=utf-8") in wire.sent[0]["headers"]
    assert all(message["body"].startswith(b"event: ") for message in wire.sent[1:])
    assert [message["more_body"] for message in wire.sent[1:]] == [True] * (len(wire.sent) - 2) + [False]


async def test_a_client_that_leaves_before_the_first_byte_leaves_no_trace_on_the_bill() -> None:
    app = app_of()
    wire = await serve(app, messages(), fault="slow-first-byte=30", leaves=True)
    assert wire.sent == []
    assert app.provider.billed() == []


async def test_a_client_that_leaves_in_the_stream_pays_for_what_was_generated() -> None:
    app = app_of()
    wire = await serve(app, messages(stream=True), fault="slow-stream=30", leaves=True)
    assert len(wire.sent) == 2
    (billed,) = app.provider.billed()
    assert not billed.complete


async def test_simulated_waits_take_no_wall_time_on_a_manual_clock() -> None:
    app = app_of(Config(first_byte_s=3600.0, tokens_per_s=0.001))
    assert (await serve(app, messages(stream=True))).sent[0]["status"] == 200


async def test_a_fast_clock_spreads_a_stream_over_its_generation() -> None:
    clock = RealClock(speed=10_000.0)
    app = app_of(Config(tokens_per_s=10.0), clock)
    started = clock.now()
    await serve(app, messages("tell me", stream=True))
    (billed,) = app.provider.billed()
    assert clock.now() - started >= billed.usage.output / 10.0 * 0.8


async def test_control_paths_are_served_only_when_allowed() -> None:
    open_app, closed_app = app_of(controllable=True), app_of()
    allowed = await serve(open_app, {"advance": 5}, path="/__simulator/clock")
    assert allowed.sent[0]["status"] == 200
    refused = await serve(closed_app, {"advance": 5}, path="/__simulator/clock")
    assert refused.sent[0]["status"] == 404


async def test_a_server_that_cannot_break_connections_says_so() -> None:
    with pytest.raises(ConnectionAbortedError):
        await serve(app_of(), messages(), fault="garbage")


async def test_a_client_that_leaves_while_sending_is_not_answered() -> None:
    app = app_of()

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    wire = Wire(b"")
    await app({"type": "http", "method": "POST", "path": "/v1/messages", "headers": []}, receive, wire.send)
    assert wire.sent == []
    assert app.provider.logged() == []


async def test_other_scopes_are_ignored() -> None:
    wire = Wire(b"")
    await app_of()({"type": "websocket"}, wire.receive, wire.send)
    assert wire.sent == []
