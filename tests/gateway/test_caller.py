from __future__ import annotations

import json

from penstock.gateway.caller import Caller
from penstock.gateway.headers import Lines
from penstock.gateway.problems import Problem


class Listening(Caller):
    """A caller that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, dict[bytes, bytes], bytes]] = []

    async def answer(self, status: int, lines: Lines, body: bytes) -> None:
        self.told.append((status, dict(lines), body))


async def test_a_refusal_is_a_whole_answer_in_the_shape_of_the_callers_provider() -> None:
    problem = Problem(status=429, message="too much", code="budget_spent", retry_after=7, retry=False)
    shapes = {"anthropic": ("error", "request-id"), "openai": (None, "x-request-id")}
    for provider, (kind, identity) in shapes.items():
        caller = Listening()
        await caller.refuse(problem, provider, "call-1")
        [(status, headers, body)] = caller.told
        said = json.loads(body)
        assert (status, said.get("type"), said["error"]["message"]) == (429, kind, "Penstock: too much")
        assert headers[b"content-length"] == b"%d" % len(body)
        assert headers[identity.encode()] == headers[b"x-penstock-call-id"] == b"call-1"
        assert (headers[b"retry-after"], headers[b"x-should-retry"]) == (b"7", b"false")
