from __future__ import annotations

import asyncio
import io
import time
from collections.abc import MutableMapping
from typing import Any

import pytest

from penstock.gateway.asgi import AsgiCaller
from penstock.gateway.build import build_gateway
from penstock.gateway.caller import BodyTooLarge, BodyTooSlow, CallerGone
from penstock.gateway.logs import Log
from penstock.gateway.problems import too_large
from penstock.ledger.books import Books
from penstock.ledger.ids import call_ids
from penstock.simulator.server import running as simulating
from tests.gateway.running import policy_for

Message = MutableMapping[str, Any]


def part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


GONE: Message = {"type": "http.disconnect"}


class Line:
    """An ASGI server's side, scripted."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.sent: list[Message] = []
        self.more = asyncio.Event()

    async def receive(self) -> Message:
        while not self.messages:
            await self.more.wait()
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        self.sent.append(message)


async def test_a_body_is_put_together() -> None:
    line = Line(part(b"a"), part(b"b"), part(b"c", more=False))
    assert await AsgiCaller(line.receive, line.send).body(10, None, 5) == b"abc"


@pytest.mark.parametrize(("parts", "length"), [([b"abc"], None), ([b"ab", b"c"], None), ([], 3)])
async def test_a_body_beyond_the_limit_is_refused_as_soon_as_it_shows(parts: list[bytes], length: int | None) -> None:
    line = Line(*(part(body) for body in parts[:-1]), *(part(body, more=False) for body in parts[-1:]))
    with pytest.raises(BodyTooLarge):
        await AsgiCaller(line.receive, line.send).body(2, length, 5)


async def test_a_body_that_stops_is_given_up() -> None:
    line = Line(part(b"a"))
    with pytest.raises(BodyTooSlow):
        await AsgiCaller(line.receive, line.send).body(10, None, 0.01)


async def test_a_caller_that_leaves_inside_its_body_is_gone() -> None:
    line = Line(part(b"a"), GONE)
    caller = AsgiCaller(line.receive, line.send)
    with pytest.raises(CallerGone):
        await caller.body(10, None, 5)
    assert caller.gone


async def test_a_streamed_body_comes_in_its_parts() -> None:
    line = Line(part(b"a"), part(b""), part(b"b", more=False))
    caller = AsgiCaller(line.receive, line.send)
    first, more = await caller.first_part(5)
    assert more
    assert [piece async for piece in caller.parts(first, 5)] == [b"a", b"b"]


async def test_an_answer_is_sent_in_two_messages() -> None:
    line = Line()
    caller = AsgiCaller(line.receive, line.send)
    await caller.refuse(too_large(5), "openai", "call_1")
    assert [message["type"] for message in line.sent] == ["http.response.start", "http.response.body"]
    assert line.sent[0]["status"] == 413
    assert caller.started


async def test_a_running_task_is_cancelled_when_its_caller_leaves() -> None:
    line = Line()
    caller = AsgiCaller(line.receive, line.send)

    async def work() -> None:
        caller.watch()
        try:
            await asyncio.sleep(60)
        finally:
            caller.unwatch()

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    line.messages.append(GONE)
    line.more.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert caller.gone


async def test_a_task_that_ended_is_not_watched_any_more() -> None:
    line = Line()
    caller = AsgiCaller(line.receive, line.send)
    caller.watch()
    caller.unwatch()
    line.messages.append(GONE)
    line.more.set()
    await asyncio.sleep(0.08)
    assert not caller.gone


async def test_a_gateway_answers_under_another_server_too() -> None:
    with simulating() as simulator:
        gateway = build_gateway(
            policy_for(simulator.base_url),
            Books(),
            clock=time.time,
            ids=call_ids(time.time),
            log=Log(time.time, io.StringIO()),
            environment={},
        )
        line = Line(part(b'{"model":"gpt-5-mini","messages":[{"role":"user","content":"hi"}]}', more=False))
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "query_string": b"",
            "headers": [(b"authorization", b"Bearer k")],
        }
        await gateway(scope, line.receive, line.send)
    head, body = line.sent
    assert head["status"] == 200
    assert b'"object":"chat.completion"' in body["body"]
