"""The caller's side of a request: its body, its going away, and the answer that it gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Protocol

from penstock.gateway.headers import Lines
from penstock.gateway.problems import Problem, answer_of


class CallerGone(Exception):  # noqa: N818 - what happened, not a fault
    """The caller closed its connection."""


class BodyTooLarge(Exception):  # noqa: N818 - as above
    """The body is beyond the limit."""


class BodyTooSlow(Exception):  # noqa: N818 - as above
    """The body did not come in time."""


class Caller(Protocol):
    """One request's caller: ``turn.Turn`` on our own sockets, ``asgi.AsgiCaller`` under another server.

    Attributes:
        started: whether a byte of an answer was sent.
        gone: whether the caller went away.
    """

    __slots__ = ()

    started: bool
    gone: bool

    async def body(self, limit: int, length: int | None, patience_s: float) -> bytes:
        """The whole body.

        Args:
            limit: the most bytes.
            length: what ``content-length`` says.
            patience_s: seconds allowed between two parts of it.

        Raises:
            BodyTooLarge: before it is read, where the length says so.
            BodyTooSlow: nothing came in time.
            CallerGone: the connection closed before the end.
        """
        ...

    async def first_part(self, patience_s: float) -> tuple[bytes, bool]:
        """The first part of the body, and whether more will come."""
        ...

    def parts(self, first: bytes, patience_s: float) -> AsyncIterator[bytes]:
        """The body in parts as they come, from a first one that was read already."""
        ...

    async def answer(self, status: int, lines: Lines, body: bytes) -> None:
        """Send a whole answer; ``lines`` hold the body's ``content-length``."""
        ...

    async def refuse(self, problem: Problem, provider: str, call_id: str) -> None:
        """Send an error of ours."""
        lines, body = answer_of(problem, provider, call_id)
        await self.answer(problem.status, lines, body)

    async def begin(self, status: int, lines: Lines) -> None:
        """Send the head of an answer whose body follows."""
        ...

    async def pass_on(self, chunk: bytes) -> None:
        """Send a part of the body; waits while the caller's socket is full."""
        ...

    def put(self, chunk: bytes) -> Awaitable[object] | None:
        """The same without waiting: what it gives back is to be waited for before the next part."""
        ...

    async def end(self) -> None:
        """Send the end of the body."""
        ...

    def watch(self) -> None:
        """Cancel the running task once the caller goes away; only after the body was read."""
        ...

    def unwatch(self) -> None:
        """Stop looking."""
        ...
