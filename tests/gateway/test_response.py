from __future__ import annotations

import asyncio

import pytest

from penstock.errors import UpstreamProtocolError
from penstock.gateway.response import Response


class Tap:
    """A source that counts what is asked of it."""

    def __init__(self) -> None:
        self.aborted = 0
        self.drains = 0

    def abort(self) -> None:
        self.aborted += 1

    def drained(self) -> None:
        self.drains += 1


async def test_pieces_that_gathered_are_given_as_one_chunk() -> None:
    tap = Tap()
    response = Response(tap)
    assert response.add(b"ab") == 2
    assert response.add(b"c") == 3
    assert await anext(response.chunks) == b"abc"
    assert tap.drains == 1


async def test_a_reader_waits_for_the_next_piece_and_for_the_end() -> None:
    response = Response(Tap())
    seen: list[bytes] = []

    async def read() -> None:
        async for chunk in response.chunks:
            seen.append(chunk)  # noqa: PERF401 - looked at while it grows

    task = asyncio.ensure_future(read())
    for piece in (b"a", b"b"):
        response.add(piece)
        response.wake()
        while not seen or seen[-1] != piece:  # noqa: ASYNC110 - the reader is watched
            await asyncio.sleep(0)
    response.finish()
    await task
    assert seen == [b"a", b"b"]


async def test_what_came_before_an_error_is_read_before_it() -> None:
    response = Response(Tap())
    response.add(b"a")
    response.fail(UpstreamProtocolError("cut"))
    assert await anext(response.chunks) == b"a"
    with pytest.raises(UpstreamProtocolError, match="cut"):
        await anext(response.chunks)


async def test_a_body_beyond_the_limit_is_given_up() -> None:
    tap = Tap()
    response = Response(tap)
    response.add(b"abc")
    with pytest.raises(UpstreamProtocolError, match="longer than 2"):
        await response.read(limit=2)
    assert tap.aborted == 1


async def test_closing_is_harmless_after_the_end_and_cancels_before_it() -> None:
    tap = Tap()
    whole = Response(tap)
    whole.finish()
    whole.close()
    assert tap.aborted == 0
    cut = Response(tap)
    await cut.aclose()
    await cut.aclose()
    assert tap.aborted == 1


async def test_what_is_ready_is_taken_without_waiting() -> None:
    response = Response(Tap())
    assert response.take_ready() == b""
    response.add(b"a")
    assert response.take_ready() == b"a"


async def test_an_error_status_says_that_an_upload_is_not_wanted() -> None:
    response = Response(Tap())
    response.status = 200
    assert not response.refused
    response.status = 413
    assert response.refused


async def test_chunks_are_poured_out_at_the_moment_they_arrive() -> None:
    tap = Tap()
    response = Response(tap)
    seen: list[bytes] = []
    response.add(b"a")
    pouring = asyncio.ensure_future(response.pour(seen.append))
    await asyncio.sleep(0)
    assert seen == [b"a"]
    response.add(b"b")
    response.wake()
    assert seen == [b"a", b"b"]
    response.add(b"c")
    response.finish()
    await pouring
    assert seen == [b"a", b"b", b"c"]
    assert tap.drains == 2  # at its end the connection is another request's


async def test_a_full_sink_is_waited_for_while_chunks_gather() -> None:
    response = Response(Tap())
    seen: list[bytes] = []
    room = asyncio.get_running_loop().create_future()

    def sink(chunk: bytes) -> asyncio.Future[None] | None:
        seen.append(chunk)
        return room if chunk == b"a" else None

    pouring = asyncio.ensure_future(response.pour(sink))
    await asyncio.sleep(0)
    for piece in (b"a", b"b", b"c"):
        response.add(piece)
        response.wake()
    assert seen == [b"a"]
    room.set_result(None)
    response.finish()
    await pouring
    assert seen == [b"a", b"bc"]


async def test_what_a_sink_raises_is_raised_where_it_came_from() -> None:
    response = Response(Tap())

    def sink(chunk: bytes) -> None:
        raise ValueError(chunk)

    pouring = asyncio.ensure_future(response.pour(sink))
    await asyncio.sleep(0)
    response.add(b"a")
    response.wake()
    with pytest.raises(ValueError, match="a"):
        await pouring


async def test_a_body_that_breaks_off_while_it_is_poured_raises() -> None:
    response = Response(Tap())
    seen: list[bytes] = []
    pouring = asyncio.ensure_future(response.pour(seen.append))
    await asyncio.sleep(0)
    response.add(b"a")
    response.fail(UpstreamProtocolError("cut"))
    with pytest.raises(UpstreamProtocolError):
        await pouring
    assert seen == [b"a"]
