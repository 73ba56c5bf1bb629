"""What of a planned call only a scripted provider can show: encodings, odd streams, broken answers."""

from __future__ import annotations

import gc
import gzip
import json

import httpx2
import pytest

from penstock.engine.record import Call
from penstock.gateway.planned import PlannedCall
from penstock.gateway.turn import Turn
from penstock.wire.usage import Basis
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import eventually, policy_for, serving

CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-5-mini",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "yo"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
).encode()
DELTA = b'data: {"id":"c","model":"gpt-5-mini","choices":[{"index":0,"delta":{"content":"yo"}}]}\n\n'
STOP = b'data: {"id":"c","model":"gpt-5-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"id":"c","model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


async def asked(
    wire: bytes, *, stream: bool = False, headers: dict[str, str] | None = None
) -> tuple[httpx2.Response, bytes, Call, bytes]:
    """The answer as the caller got it, its raw body, the call's record and what the provider was sent."""
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        head, body = await peer.read_request()
        seen.append(head + body)
        await peer.send(wire)

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
            async with httpx2.AsyncClient() as client:
                request = {**CHAT, "stream": True} if stream else CHAT
                url = f"{gateway.openai_url}/chat/completions"
                raw = b""
                async with client.stream("POST", url, json=request, headers=headers) as answer:
                    try:
                        async for chunk in answer.aiter_raw():
                            raw += chunk
                    except httpx2.RemoteProtocolError:
                        raw += b"<broken>"
            (call,) = gateway.calls(1)
    return answer, raw, call, seen[0]


async def test_a_compressed_answer_is_metered_and_passed_on_as_it_came() -> None:
    packed = gzip.compress(ANSWER)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    answer, raw, call, seen = await asked(head + packed, headers={"accept-encoding": "gzip, br, zstd"})
    assert raw == packed
    assert answer.headers["content-encoding"] == "gzip"
    assert call.usage is not None
    assert call.usage.output == 2
    assert b"accept-encoding: gzip, deflate\r\n" in seen


async def test_a_stream_whose_usage_was_asked_for_by_us_is_asked_for_plain_and_shown_without_it() -> None:
    _, raw, call, seen = await asked(STREAM + b"\r\n" + DELTA + STOP + USAGE + DONE, stream=True)
    assert raw == DELTA + STOP + DONE
    assert b"accept-encoding: identity\r\n" in seen
    assert b'"stream_options":{"include_usage":true}' in seen
    assert call.usage is not None
    assert (call.usage.input_uncached, call.usage.output, call.usage.basis) == (9, 2, Basis.PROVIDER)


async def test_t29_unknown_events_and_split_characters_pass_as_they_came() -> None:
    odd = b"event: surprise\ndata: \xc3" + b"\xa9\n\n: comment\n\n"
    _, raw, call, _ = await asked(STREAM + b"\r\n" + odd + DELTA + STOP + USAGE + DONE, stream=True)
    assert raw == odd + DELTA + STOP + DONE
    assert call.error_kind is None


async def test_a_stream_that_breaks_ends_broken_for_the_caller() -> None:
    wire = STREAM + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(DELTA), DELTA)
    _, raw, call, _ = await asked(wire, stream=True)
    assert raw == DELTA + b"<broken>"
    assert call.error_kind == "upstream_protocol"
    assert call.usage is not None
    assert call.usage.basis is Basis.ESTIMATED


async def test_a_close_delimited_stream_that_ends_early_is_metered_as_cut() -> None:
    _, raw, call, _ = await asked(STREAM + b"\r\n" + DELTA, stream=True)
    assert raw == DELTA
    assert call.error_kind == "cut_stream"


async def test_a_plain_answer_that_breaks_off_is_a_502() -> None:
    answer, _, call, _ = await asked(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{")
    assert answer.status_code == 502
    assert (call.status, call.error_kind) == (200, "upstream_protocol")
    assert call.cost is None


@pytest.mark.parametrize(
    "body", [b"<html>busy</html>", b"", b'{"error":7}', b'{"usage":{"prompt_tokens":-5}}', b"\xff"]
)
async def test_an_answer_that_is_no_answer_is_passed_on_and_its_cost_is_not_zero(body: bytes) -> None:
    answer, raw, call, _ = await asked(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    assert (answer.status_code, raw) == (200, body)
    assert call.cost is None or call.cost > 0 or call.usage is not None


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_that_is_over_is_freed_without_the_collector(stream: bool) -> None:
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (DELTA, STOP, USAGE, DONE))

    async def handler(peer: Peer) -> None:
        for _ in range(3):
            await peer.read_request()
            await peer.send(STREAM + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n" if stream else whole)

    gc.collect()
    gc.disable()
    try:
        async with raw_server(handler) as provider:
            with serving(policy_for(f"http://127.0.0.1:{provider.port}")) as gateway:
                async with httpx2.AsyncClient() as client:
                    for _ in range(3):
                        url = f"{gateway.openai_url}/chat/completions"
                        answer = await client.post(url, json={**CHAT, "stream": stream})
                        assert answer.status_code == 200
                    gateway.calls(3)
                    eventually(lambda: living(PlannedCall) == 0)
                    assert living(Turn) <= 1  # a connection knows its latest turn
    finally:
        gc.enable()


def living(kind: type) -> int:
    return sum(type(one) is kind for one in gc.get_objects())


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\n<p>Hi</p>", "unreadable_answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "unreadable_answer"),
        (b'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"id"', "unreadable_answer"),
        (b"HTTP/1.1 307 Elsewhere\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", "http_307"),
    ],
)
async def test_the_record_says_that_what_came_was_no_answer(wire: bytes, kind: str) -> None:
    _, _, call, _ = await asked(wire)
    assert call.error_kind == kind
    assert call.cost == (0 if kind == "http_307" else None)


async def test_an_answer_without_usage_is_an_answer() -> None:
    body = json.dumps({key: value for key, value in json.loads(ANSWER).items() if key != "usage"}).encode()
    _, _, call, _ = await asked(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    assert (call.error_kind, call.cost) == (None, None)
