"""Server-side conversation state of Responses: ``previous_response_id`` stands for all that was said before."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec

from penstock.simulator.errors import bad_request

_MOST_BYTES = 64 * 1024 * 1024


class Conversations:
    """Keeps requests with their answers by response id, the newest of them up to a bound in bytes."""

    def __init__(self, limit: int = _MOST_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._known: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()

    def remember(self, response_id: str, request: bytes, response: bytes) -> None:
        """Keep one exchange; the request is the whole conversation up to it."""
        self._known[response_id] = (request, response)
        self._size += len(request) + len(response)
        while self._size > self._limit and self._known:
            _, (old_request, old_response) = self._known.popitem(last=False)
            self._size -= len(old_request) + len(old_response)

    def expanded(self, body: dict[str, Any]) -> dict[str, Any]:
        """The request with the earlier items in front of its own; ApiError when the id is not known."""
        previous = body.get("previous_response_id")
        known = self._known.get(previous) if isinstance(previous, str) else None
        if known is None:
            raise bad_request(
                "Previous response with the given id not found.",
                param="previous_response_id",
                code="previous_response_not_found",
            )
        request, response = (msgspec.json.decode(each) for each in known)
        return {**body, "input": [*_items(request.get("input")), *response["output"], *_items(body.get("input"))]}


def _items(given: Any) -> list[Any]:
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    return list(given) if isinstance(given, list) else []
