"""Anthropic's Message Batches (`/v1/messages/batches`): create, look up, and the results of one that is over.

The requests of a batch are answered when it is created and can be read when ``Config.batch_s`` simulated seconds have
passed. Each is billed at half price. A request that the API would refuse is an ``errored`` result, not a refusal of the
batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from penstock.models.tiers import Tier
from penstock.simulator.errors import ApiError, bad_request, error_bytes
from penstock.simulator.incoming import Incoming
from penstock.simulator.response import Response

PATH = "/v1/messages/batches"
MOST = 100_000
"""Requests in a batch."""

_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DAY = timedelta(days=1)

Answer = Callable[[Incoming], Response]
"""Answers one request of a batch as a call of its own; ApiError for a refusal."""


class Batch(msgspec.Struct):
    """One batch.

    Attributes:
        id: the provider's.
        created_at: and ``over_at``: simulated time, seconds since the epoch.
        results: custom id and result of each request.
    """

    id: str
    created_at: float
    over_at: float
    results: list[tuple[str, dict[str, Any]]]


class Batches:
    """The batches of one world."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}

    def create(self, incoming: Incoming, identifier: str, batch_s: float, answer: Answer) -> dict[str, Any]:
        """A new batch, all of whose requests are answered; ApiError for a body that is none."""
        asked = _requests(incoming.body)
        results = [(custom_id, _result(incoming, params, answer)) for custom_id, params in asked]
        batch = Batch(identifier, incoming.at, incoming.at + batch_s, results)
        self._batches[identifier] = batch
        return _described(batch, incoming)

    def find(self, incoming: Incoming) -> dict[str, Any]:
        """A batch as it stands; ApiError 404 when there is none."""
        return _described(self._named(incoming.path.removeprefix(f"{PATH}/")), incoming)

    def results(self, incoming: Incoming) -> bytes:
        """The results of a batch that is over, as lines of JSON; ApiError 404 before."""
        batch = self._named(incoming.path.removeprefix(f"{PATH}/").removesuffix("/results"))
        if incoming.at < batch.over_at:
            raise ApiError(404, None, "the batch has no results yet")
        lines = (msgspec.json.encode({"custom_id": name, "result": result}) for name, result in batch.results)
        return b"".join(line + b"\n" for line in lines)

    def _named(self, name: str) -> Batch:
        batch = self._batches.get(name)
        if batch is None:
            raise ApiError(404, None, f"batch: {name[:100]}")
        return batch


def _requests(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    try:
        asked = msgspec.json.decode(body)["requests"]
        found = [(one["custom_id"], one["params"]) for one in asked]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise bad_request("requests: an array of objects with custom_id and params is required") from None
    if not 0 < len(found) <= MOST:
        raise bad_request(f"requests: between 1 and {MOST} are allowed")
    names = [name for name, _ in found]
    if not all(isinstance(name, str) and _CUSTOM_ID.fullmatch(name) for name in names) or len({*names}) < len(names):
        raise bad_request("custom_id: 1 to 64 letters, digits, - and _, each used once")
    if not all(isinstance(params, dict) for _, params in found):
        raise bad_request("params: an object is required")
    return found


def _result(incoming: Incoming, params: dict[str, Any], answer: Answer) -> dict[str, Any]:
    one = msgspec.structs.replace(incoming, path="/v1/messages", body=msgspec.json.encode(params))
    try:
        if params.get("stream"):
            raise bad_request("stream: not allowed in a batch")
        response = answer(one)
    except ApiError as error:
        refused: dict[str, Any] = msgspec.json.decode(error_bytes("anthropic", error, incoming.id))
        return {"type": "errored", "error": refused}
    message = msgspec.json.decode(response.body)
    message["usage"]["service_tier"] = "batch"
    return {"type": "succeeded", "message": message}


def batch_priced(response: Response) -> Response:
    """A response whose call is billed at the price of a batch."""
    pending = response.pending
    if pending is not None:
        pending.tier = "batch"
        pending.billing = Tier("batch", pending.billing.geo)
    return response


def _described(batch: Batch, incoming: Incoming) -> dict[str, Any]:
    over = incoming.at >= batch.over_at
    kinds = [result["type"] for _, result in batch.results]
    counts = {"succeeded": kinds.count("succeeded"), "errored": kinds.count("errored")}
    settled = counts if over else dict.fromkeys(counts, 0)
    created = datetime.fromtimestamp(batch.created_at, UTC)
    host = incoming.headers.get("host", "api.anthropic.com")
    scheme = "http" if "host" in incoming.headers else "https"
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if over else "in_progress",
        "request_counts": {"processing": 0 if over else len(kinds), **settled, "canceled": 0, "expired": 0},
        "created_at": created.isoformat(),
        "expires_at": (created + _DAY).isoformat(),
        "ended_at": datetime.fromtimestamp(batch.over_at, UTC).isoformat() if over else None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"{scheme}://{host}{PATH}/{batch.id}/results" if over else None,
    }
