"""What a hostile or broken caller meets, and that nobody else notices."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx2
import pytest

from penstock.gateway.settings import Settings
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from tests.gateway.running import Running, policy_for, serving

BODY = b'{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
KEYS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
WHOLE = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulating() as started:
        yield started


@pytest.fixture
def gateway(simulator: Simulator) -> Iterator[Running]:
    settings = Settings(max_head=16_384, head_s=0.2, body_s=0.2, drain_s=5)
    with serving(policy_for(simulator.base_url), settings=settings) as started:
        yield started


def raw(gateway: Running, *parts: bytes) -> bytes:
    """Everything that comes back until the connection closes."""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        try:
            while data := connection.recv(65536):
                answer += data
        except ConnectionResetError:
            pass  # it closed while we were still sending
    return answer


def refused(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)["error"]["message"]


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 5\r\ncontent-length: 6\r\n",
        b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
        b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        b"transfer-encoding: xchunked\r\n",
        b"transfer-encoding: identity\r\n",
        b"content-length: +5\r\n",
        b"content-length: -1\r\n",
        b"content-length: 5, 5\r\n",
        b"content-length : 5\r\n",
        b"x-a: 1\n folded\r\n",
        b"x y: 1\r\n",
        b"x-a: 1\0\r\n",
    ],
)
def test_shapes_of_request_smuggling_are_refused_and_nothing_goes_upstream(
    head: bytes, gateway: Running, simulator: Simulator
) -> None:
    status, message = refused(raw(gateway, HEAD + head + b"\r\nhelloGET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n"))
    assert status == 400
    assert "HTTP" in message
    assert simulator.requests == []


@pytest.mark.parametrize(
    "junk", [b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
def test_what_is_not_http_is_refused(junk: bytes, gateway: Running) -> None:
    assert refused(raw(gateway, junk))[0] == 400


def test_a_head_beyond_the_limit_is_a_431(gateway: Running, simulator: Simulator) -> None:
    bomb = b"".join(b"x-%d: %b\r\n" % (number, b"y" * 100) for number in range(1000))
    assert refused(raw(gateway, HEAD + bomb + b"\r\n"))[0] == 431
    assert refused(raw(gateway, b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n"))[0] == 431
    assert simulator.requests == []


def test_a_head_that_trickles_is_ended_in_time(gateway: Running) -> None:
    assert refused(raw(gateway, HEAD))[0] == 408


def test_a_caller_that_says_nothing_is_hung_up_on(gateway: Running) -> None:
    assert raw(gateway) == b""


def test_a_body_that_trickles_is_ended_in_time(gateway: Running, simulator: Simulator) -> None:
    answer = raw(gateway, HEAD + b"connection: close\r\ncontent-length: 50\r\n\r\n{")
    assert refused(answer)[0] == 408
    assert simulator.requests == []


def test_a_body_that_breaks_off_goes_nowhere(gateway: Running, simulator: Simulator) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(HEAD + b"content-length: 50\r\n\r\n{")
    assert httpx2.get(f"{gateway.url}/healthz").status_code == 200
    assert simulator.requests == []


def test_a_chunked_body_is_read(gateway: Running) -> None:
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (BODY[:7], BODY[7:])) + b"0\r\n\r\n"
    answer = raw(gateway, HEAD + b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n" + chunked)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nx-penstock-call-id: " in answer


def test_pipelined_requests_are_answered_in_order(gateway: Running) -> None:
    answer = raw(gateway, WHOLE * 2 + WHOLE.replace(b"host: x", b"host: x\r\nconnection: close"))
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b'"type":"message"') == 3


def test_a_caller_may_wait_for_100_continue(gateway: Running) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(BODY))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")


def test_an_http_1_0_caller_is_answered_and_closed(gateway: Running) -> None:
    answer = raw(gateway, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_an_http_1_0_caller_gets_a_stream_without_chunks(gateway: Running) -> None:
    body = BODY.replace(b"{", b'{"stream":true,', 1)
    head = HEAD.replace(b"HTTP/1.1", b"HTTP/1.0") + b"content-length: %d\r\n\r\n" % len(body)
    answer = raw(gateway, head + body)
    assert b"transfer-encoding" not in answer
    assert b"\r\n\r\nevent: message_start\n" in answer
    assert answer.endswith(b'data: {"type":"message_stop"}\n\n')


@pytest.mark.parametrize("cut", [0, 20])
def test_an_upgrade_that_a_caller_offers_is_ignored_and_its_body_is_read(cut: int, gateway: Running) -> None:
    offer = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
    upgrade = HEAD + offer + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
    last = WHOLE.replace(b"host: x", b"host: x\r\nconnection: close")
    answer = raw(gateway, upgrade[: len(upgrade) - cut], upgrade[len(upgrade) - cut :] + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 2


def test_a_connection_goes_on_after_a_body_that_was_too_large(simulator: Simulator) -> None:
    with serving(policy_for(simulator.base_url), settings=Settings(max_body=200, drain_s=5)) as gateway:
        large = HEAD + b"content-length: 100000\r\n\r\n" + b"x" * 100_000
        answer = raw(gateway, large + WHOLE.replace(b"host: x", b"host: x\r\nconnection: close"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"HTTP/1.1 200 OK") == 1


def test_pipelined_requests_behind_a_large_body_wait_for_their_turn(simulator: Simulator) -> None:
    body = BODY.replace(b"hi", b"word " * 100_000)
    large = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
    with serving(policy_for(simulator.base_url)) as gateway:
        answer = raw(gateway, WHOLE + large, WHOLE + large.replace(b"host: x", b"host: x\r\nconnection: close"))
    assert answer.count(b"HTTP/1.1 200 OK") == 4


@pytest.mark.parametrize("target", [b"http://api.test/healthz", b"/healthz#part", b"/healthz?a=b"])
def test_targets_in_every_form_are_understood(target: bytes, gateway: Running) -> None:
    answer = raw(gateway, b"GET %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % target)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"status":"ok"' in answer


def test_a_connection_is_kept_and_let_go_when_it_is_idle(simulator: Simulator) -> None:
    with serving(policy_for(simulator.base_url), settings=Settings(keep_alive_s=1, drain_s=5)) as gateway:
        assert raw(gateway, WHOLE).startswith(b"HTTP/1.1 200 OK")


def test_a_fault_of_ours_is_a_500_in_the_provider_s_shape_and_one_log_line(simulator: Simulator) -> None:
    with serving(policy_for(simulator.base_url)) as gateway:
        gateway.gateway.house.settings = None  # type: ignore[assignment]
        assert refused(raw(gateway, WHOLE)) == (500, "Penstock: internal error")
    assert "error internal" in gateway.log


def test_others_are_served_while_one_misbehaves(gateway: Running) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as slow:
        slow.sendall(b"POST /v1/mess")
        answer = httpx2.post(f"{gateway.url}/v1/messages", content=BODY, headers=KEYS)
    assert answer.status_code == 200
