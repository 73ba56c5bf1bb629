"""A caller of few lines: one request on one connection, given up when it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

_PIECE = 1 << 16


class Answer:
    """What came back.

    Attributes:
        status: HTTP status; 0 when no head came.
        headers: by lower-case name.
        whole: whether the answer came to its end.
        size: bytes of its body, chunk framing included.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.whole = False
        self.size = 0


async def ask(
    base: str,
    path: str,
    body: Mapping[str, Any] | None,
    headers: Mapping[str, str],
    *,
    leave_after_s: float | None = None,
    leave_after_bytes: int | None = None,
) -> Answer:
    """Send a request and read its answer.

    Args:
        base: the gateway's address.
        path: of the API.
        body: JSON to post; None for a GET.
        headers: of the request.
        leave_after_s: seconds after which the caller hangs up.
        leave_after_bytes: bytes of the answer's body after which it hangs up.
    """
    where = urlsplit(base)
    answer = Answer()
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        writer.write(_request(f"{where.hostname}:{where.port}", path, body, headers))
        await writer.drain()
        async with asyncio.timeout(leave_after_s):
            await _read(reader, answer, leave_after_bytes)
    except (TimeoutError, OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.transport.abort()
    return answer


def _request(host: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", f"host: {host}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(data)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


async def _read(reader: asyncio.StreamReader, answer: Answer, most: int | None) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    answer.status = int(first.split(" ")[1])
    answer.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    tail = b""
    while piece := await reader.read(_PIECE):
        answer.size += len(piece)
        tail = (tail + piece)[-5:]
        if most is not None and answer.size >= most:
            return
    length = answer.headers.get("content-length")
    answer.whole = answer.size == int(length) if length is not None else tail == b"0\r\n\r\n"
