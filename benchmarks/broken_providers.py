"""Providers that answer with what is not an answer, byte by byte."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
_JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

BROKEN: dict[str, bytes | None] = {
    "hangs without an answer": None,
    "hangs after its head": _JSON + b"content-length: 100\r\n\r\n{",
    "is no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "closes inside its head": b"HTTP/1.1 200 OK\r\ncontent-ty",
    "body shorter than its length": _JSON + b"content-length: 500\r\n\r\n{}",
    "a chunk size that is none": _JSON + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "two lengths": _JSON + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "a head of 400 kB": b"HTTP/1.1 200 OK\r\n"
    + b"x-much: %b\r\n" % (b"a" * 1000) * 400
    + b"content-length: 2\r\n\r\n{}",
    "a page of HTML": b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 15\r\n\r\n<html>hi</html>",
    "an empty answer": _JSON + b"content-length: 0\r\n\r\n",
    "half a JSON object": _JSON + b'content-length: 20\r\n\r\n{"type":"message","c',
    "gzip that is none": _JSON + b"content-encoding: gzip\r\ncontent-length: 7\r\n\r\nnothing",
    "gzip that is cut": _JSON
    + b"content-encoding: gzip\r\ncontent-length: 20\r\n\r\n"
    + gzip.compress(b"{}" * 50)[:20],
    "a stream that is no stream": _SSE + b"content-length: 11\r\n\r\nhello world",
    "a stream of invalid UTF-8": _SSE + b'content-length: 27\r\n\r\nevent: x\ndata: {"a":"\xff\xfe"}\n\n',
    "a redirect": b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",
    "a 502 in HTML": b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 12\r\n\r\n<html>no</ht",
}
"""What is sent in answer to a request, before the connection closes; None sends nothing and holds it open."""

_HOLD = frozenset({"hangs without an answer", "hangs after its head"})


@contextmanager
def broken_provider(fault: str) -> Iterator[str]:
    """A provider with one of the faults; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_answer, args=(peer, fault, held), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()
        for peer in held:
            peer.close()


def _answer(peer: socket.socket, fault: str, held: list[socket.socket]) -> None:
    with contextlib.suppress(OSError):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = peer.recv(65536)
            if not piece:
                return
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
                while len(body) < length:
                    body += peer.recv(65536)
        answer = BROKEN[fault]
        if answer is not None:
            peer.sendall(answer)
        if fault in _HOLD:
            held.append(peer)
            return
    peer.close()
