"""One simulated HTTP response before any socket: what is sent, when, and what is still to be booked."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.cachemodel.machine import Admission
from penstock.models.prices import STANDARD, Tier
from penstock.simulator.incoming import Incoming
from penstock.wire.usage import Usage


class Pending(msgspec.Struct, kw_only=True):
    """A call that the cache and the bill do not know of until its first byte goes out.

    Attributes:
        admission: what the cache rules said of it; None for calls without a prompt cache.
        provider: ``anthropic`` or ``openai``.
        model: the model asked for.
        limit_key: the model whose rate limits the call counts against.
        usage: what the whole answer is billed.
        tier: the tier that the response names.
        billing: the tier that the price list knows for it.
        finish: why the answer ended.
        task: the task header, or None.
        begun: whether the first byte went out.
        booked: whether it stands on the bill.
    """

    admission: Admission | None
    provider: str
    model: str
    limit_key: str
    usage: Usage
    tier: str
    billing: Tier = STANDARD
    finish: str
    task: str | None = None
    begun: bool = False
    booked: bool = False


class Response(msgspec.Struct, kw_only=True):
    """What the provider answers.

    Attributes:
        id: the request id that the headers carry.
        at: simulated time when the request started.
        path: the request's path.
        status: HTTP status.
        headers: lower-case names; without content-length, which a driver adds.
        chunks: the body in pieces; one piece for a plain body, one per event for a stream.
        stream: whether it is an event stream.
        whole: how many pieces a fault-free answer has; the bill of a cut stream is in proportion.
        first_byte_s: simulated seconds from the request to the first byte.
        generation_s: simulated seconds from the first byte to the last.
        wall_first_byte_s: wall seconds that a fault adds before the first byte.
        wall_gap_s: wall seconds that a fault adds before each further piece.
        ending: ``whole``; ``cut`` breaks the connection after the pieces; ``close`` closes it without a byte;
            ``garbage`` sends bytes that are not HTTP.
        pending: what is booked when the first byte goes out; None for refusals and free calls.
    """

    id: str
    at: float
    path: str
    status: int
    headers: list[tuple[str, str]]
    chunks: tuple[bytes, ...]
    stream: bool = False
    whole: int = 1
    first_byte_s: float = 0.0
    generation_s: float = 0.0
    wall_first_byte_s: float = 0.0
    wall_gap_s: float = 0.0
    ending: str = "whole"
    pending: Pending | None = None

    @property
    def body(self) -> bytes:
        """All pieces together."""
        return b"".join(self.chunks)


GARBAGE = b"\x16\x03\x01 this is not HTTP\r\n\r\n"
"""What the fault ``garbage`` puts on the connection."""


def json_response(incoming: Incoming, body: dict[str, Any]) -> Response:
    """A plain 200 with a JSON body."""
    return Response(
        id=incoming.id,
        at=incoming.at,
        path=incoming.path,
        status=200,
        headers=[("content-type", "application/json")],
        chunks=(msgspec.json.encode(body),),
    )
