from __future__ import annotations

import asyncio

import pytest

from penstock.errors import InternalError
from penstock.gateway.caller import BodyTooLarge, BodyTooSlow, CallerGone
from penstock.gateway.problems import too_large
from penstock.gateway.turn import UNREAD, Turn


class Socket:
    """The connection's side, scripted."""

    def __init__(self) -> None:
        self.writable: asyncio.Future[None] | None = None
        self.sent = b""
        self.over: list[Turn] = []
        self.held = self.aborted = False

    def write(self, *data: bytes) -> None:
        self.sent += b"".join(data)

    def hold(self) -> None:
        self.held = True

    def read_on(self, patience_s: float) -> None:
        self.held = False

    def finished(self, turn: Turn) -> None:
        self.over.append(turn)

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
def turn(socket: Socket) -> Turn:
    return Turn(socket, "POST", b"/v1/messages", b"", [])


async def later(*steps: object) -> None:
    """Let whoever waits go on between steps."""
    for step in steps:
        await asyncio.sleep(0)
        if callable(step):
            step()


async def test_a_body_that_is_there_is_taken_at_once(turn: Turn) -> None:
    turn.came(b"a")
    turn.came(b"b")
    turn.complete()
    assert await turn.body(2, 2, 5) == b"ab"


async def test_a_body_is_waited_for(turn: Turn) -> None:
    reading = asyncio.ensure_future(turn.body(10, None, 5))
    await later(lambda: turn.came(b"a"), lambda: turn.came(b"b"), turn.complete)
    assert await reading == b"ab"


async def test_a_body_beyond_the_limit_is_refused_as_soon_as_it_shows(turn: Turn) -> None:
    with pytest.raises(BodyTooLarge):
        await turn.body(2, 3, 5)
    reading = asyncio.ensure_future(turn.body(2, None, 5))
    await later(lambda: turn.came(b"abc"))
    with pytest.raises(BodyTooLarge):
        await reading


async def test_a_whole_body_beyond_the_limit_is_refused(turn: Turn) -> None:
    turn.came(b"abc")
    turn.complete()
    with pytest.raises(BodyTooLarge):
        await turn.body(2, None, 5)


async def test_a_body_that_stops_is_given_up(turn: Turn) -> None:
    assert not turn.late()
    reading = asyncio.ensure_future(turn.body(10, None, 5))
    await later(lambda: turn.came(b"a"))
    assert turn.late()
    with pytest.raises(BodyTooSlow):
        await reading


async def test_a_caller_that_leaves_inside_its_body_is_gone(turn: Turn) -> None:
    reading = asyncio.ensure_future(turn.body(10, None, 5))
    await later(lambda: turn.came(b"a"), turn.lost)
    with pytest.raises(CallerGone):
        await reading
    assert turn.gone
    with pytest.raises(CallerGone):
        await turn.body(10, None, 5)


async def test_a_body_is_taken_in_parts_and_the_socket_is_paused_meanwhile(turn: Turn, socket: Socket) -> None:
    reading = asyncio.ensure_future(turn.first_part(5))
    await later(lambda: turn.came(b"a"))
    first, more = await reading
    assert more
    turn.came(b"b" * UNREAD)
    assert not socket.held
    turn.came(b"c")
    assert socket.held
    pieces = []

    async def take() -> None:
        pieces.extend([piece async for piece in turn.parts(first, 5)])

    taking = asyncio.ensure_future(take())
    await later(None, lambda: turn.came(b"d"), turn.complete)
    await taking
    assert not socket.held
    assert b"".join(pieces) == b"a" + b"b" * UNREAD + b"cd"


async def test_a_caller_that_expects_it_is_told_to_continue_once(turn: Turn, socket: Socket) -> None:
    turn.expects = True
    reading = asyncio.ensure_future(turn.body(10, None, 5))
    await later(lambda: turn.came(b"a"), turn.complete)
    await reading
    assert socket.sent == b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_a_whole_answer(turn: Turn, socket: Socket) -> None:
    await turn.answer(200, [(b"content-length", b"2"), (b"x", b"y")], b"ok")
    assert socket.sent == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: y\r\n\r\nok"
    assert socket.over == [turn]
    assert turn.started
    assert turn.done


async def test_a_large_answer_is_the_same(turn: Turn, socket: Socket) -> None:
    await turn.answer(299, [], b"x" * 100_000)
    assert socket.sent == b"HTTP/1.1 299 \r\n\r\n" + b"x" * 100_000


async def test_an_error_of_ours_is_an_answer(turn: Turn, socket: Socket) -> None:
    turn.keep = False
    await turn.refuse(too_large(5), "openai", "call_1")
    assert socket.sent.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n\r\n{" in socket.sent


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\0b"])
async def test_a_header_that_would_be_two_is_not_sent(value: bytes, turn: Turn, socket: Socket) -> None:
    with pytest.raises(InternalError):
        await turn.answer(200, [(b"x", value)], b"")
    assert socket.sent == b""


async def streamed(turn: Turn, *chunks: bytes, status: int = 200, length: bytes | None = None) -> None:
    await turn.begin(status, [] if length is None else [(b"content-length", length)])
    for chunk in chunks:
        await turn.pass_on(chunk)
    await turn.end()


async def test_an_answer_without_a_length_goes_in_chunks(turn: Turn, socket: Socket) -> None:
    await streamed(turn, b"ab", b"c" * 70_000)
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    assert socket.sent == head + b"2\r\nab\r\n11170\r\n" + b"c" * 70_000 + b"\r\n0\r\n\r\n"
    assert socket.over == [turn]


async def test_an_answer_with_a_length_goes_as_it_is(turn: Turn, socket: Socket) -> None:
    await streamed(turn, b"ab", b"c", length=b"3")
    assert socket.sent == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
    assert not socket.aborted


async def test_an_answer_that_is_shorter_than_it_said_ends_the_connection(turn: Turn, socket: Socket) -> None:
    await streamed(turn, b"ab", length=b"3")
    assert socket.aborted


async def test_an_http_1_0_caller_gets_a_body_that_ends_with_the_connection(turn: Turn, socket: Socket) -> None:
    turn.old = True
    await streamed(turn, b"ab")
    assert socket.sent == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab"
    assert not turn.keep


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_that_has_no_body_has_no_frame(status: int, turn: Turn, socket: Socket) -> None:
    await streamed(turn, status=status)
    assert b"chunked" not in socket.sent
    assert socket.sent.endswith(b"\r\n\r\n")


async def test_head_has_the_length_and_no_body(socket: Socket) -> None:
    turn = Turn(socket, "HEAD", b"/", b"", [])
    await streamed(turn, b"ab", length=b"2")
    assert socket.sent == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    assert not socket.aborted


async def test_a_full_socket_holds_a_stream_back_until_it_has_room(turn: Turn, socket: Socket) -> None:
    await turn.begin(200, [])
    socket.writable = asyncio.get_running_loop().create_future()
    passing = asyncio.ensure_future(turn.pass_on(b"ab"))
    await later(None)
    assert b"ab" not in socket.sent
    writable, socket.writable = socket.writable, None
    writable.set_result(None)
    await passing
    assert b"ab" in socket.sent


async def test_a_running_task_is_cancelled_when_its_caller_leaves(turn: Turn) -> None:
    async def work() -> None:
        turn.watch()
        try:
            await asyncio.sleep(60)
        finally:
            turn.unwatch()

    turn.task = asyncio.ensure_future(work())
    await later(turn.lost)
    with pytest.raises(asyncio.CancelledError):
        await turn.task
    assert turn.gone


async def test_one_that_left_before_is_noticed_when_it_is_watched(turn: Turn) -> None:
    async def work() -> None:
        turn.watch()
        await asyncio.sleep(60)

    turn.complete()
    turn.lost()
    turn.task = asyncio.ensure_future(work())
    with pytest.raises(asyncio.CancelledError):
        await turn.task


async def test_a_task_that_ended_is_not_watched_any_more(turn: Turn) -> None:
    turn.task = asyncio.ensure_future(asyncio.sleep(60))
    turn.watch()
    turn.unwatch()
    turn.lost()
    assert not turn.task.cancelling()
    turn.task.cancel()


async def test_a_caller_that_leaves_with_its_answer_is_not_gone(turn: Turn) -> None:
    turn.complete()
    await turn.answer(200, [], b"")
    turn.lost()
    assert not turn.gone
