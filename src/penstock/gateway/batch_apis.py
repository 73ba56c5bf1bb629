"""The providers' batch APIs: how a batch is sent, when it is over, and what came of each of its requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from penstock.wire.dialect import Dialect

JSON = b"application/json"
_OK, _FAILED = 200, 500
_REFUSED = {"invalid_request_error": 400, "not_found_error": 404, "request_too_large": 413}
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})

Ask = Callable[[bytes, bytes, bytes, bytes], Awaitable[bytes]]
"""Method, target, body and its content type to the body of a 200."""


class Request(msgspec.Struct, frozen=True):
    """A request of a batch: its id and its body."""

    id: str
    body: bytes


class Outcome(msgspec.Struct, frozen=True):
    """What came of a request of a batch, as if it had been sent by itself.

    Attributes:
        status: HTTP status.
        body: of a 200, else None; what did not succeed is not charged.
        error_kind: a short name of what went wrong, or None.
    """

    status: int
    body: bytes | None = None
    error_kind: str | None = None


class BatchApi(Protocol):
    """One provider's API."""

    async def create(self, ask: Ask, requests: Sequence[Request]) -> str:
        """Send a batch; its id."""

    async def outcomes(self, ask: Ask, batch: str) -> dict[str, Outcome] | None:
        """What came of each request by its id; None while the batch is not over."""


class _Created(msgspec.Struct):
    id: str


class _Status(msgspec.Struct):
    processing_status: str = ""
    status: str = ""
    output_file_id: str | None = None
    error_file_id: str | None = None


class Result(msgspec.Struct):
    """The result of one request of Anthropic's."""

    type: str = ""
    message: msgspec.Raw = msgspec.Raw(b"")
    error: dict[str, Any] = {}


class _AnthropicLine(msgspec.Struct):
    custom_id: str
    result: Result


class Response(msgspec.Struct):
    """The response to one request of OpenAI's."""

    status_code: int = _FAILED
    body: msgspec.Raw = msgspec.Raw(b"")


class _OpenAILine(msgspec.Struct):
    custom_id: str
    response: Response | None = None


class AnthropicBatches:
    """Message Batches (provider-semantics 1.1)."""

    PATH = b"/v1/messages/batches"

    async def create(self, ask: Ask, requests: Sequence[Request]) -> str:
        """Send a batch; its id."""
        asked = [{"custom_id": one.id, "params": msgspec.Raw(one.body)} for one in requests]
        created = await ask(b"POST", self.PATH, msgspec.json.encode({"requests": asked}), JSON)
        return msgspec.json.decode(created, type=_Created).id

    async def outcomes(self, ask: Ask, batch: str) -> dict[str, Outcome] | None:
        """What came of each request by its id; None while the batch is not over."""
        place = self.PATH + b"/" + batch.encode("ascii")
        status = msgspec.json.decode(await ask(b"GET", place, b"", JSON), type=_Status)
        if status.processing_status != "ended":
            return None
        lines = (await ask(b"GET", place + b"/results", b"", JSON)).splitlines()
        found = [msgspec.json.decode(line, type=_AnthropicLine) for line in lines if line]
        return {one.custom_id: outcome_of(one.result) for one in found}


class OpenAIBatches:
    """Batches of an uploaded file.

    Args:
        endpoint: the path that its requests are for.
    """

    FILES, PATH = b"/v1/files", b"/v1/batches"

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    async def create(self, ask: Ask, requests: Sequence[Request]) -> str:
        """Send a batch; its id."""
        content = b"".join(
            msgspec.json.encode(
                {"custom_id": one.id, "method": "POST", "url": self._endpoint, "body": msgspec.Raw(one.body)}
            )
            + b"\n"
            for one in requests
        )
        boundary = b"penstock-" + requests[0].id.encode("ascii", "replace")
        kind = b"multipart/form-data; boundary=" + boundary
        file = msgspec.json.decode(await ask(b"POST", self.FILES, _form(boundary, content), kind), type=_Created)
        asked = {"input_file_id": file.id, "endpoint": self._endpoint, "completion_window": "24h"}
        created = await ask(b"POST", self.PATH, msgspec.json.encode(asked), JSON)
        return msgspec.json.decode(created, type=_Created).id

    async def outcomes(self, ask: Ask, batch: str) -> dict[str, Outcome] | None:
        """What came of each request by its id; None while the batch is not over."""
        raw = await ask(b"GET", self.PATH + b"/" + batch.encode("ascii"), b"", JSON)
        status = msgspec.json.decode(raw, type=_Status)
        if status.status not in _OVER:
            return None
        found: dict[str, Outcome] = {}
        for file in (status.output_file_id, status.error_file_id):
            if file is not None:
                content = await ask(b"GET", self.FILES + b"/" + file.encode("ascii") + b"/content", b"", JSON)
                lines = [msgspec.json.decode(line, type=_OpenAILine) for line in content.splitlines() if line]
                found.update({line.custom_id: outcome_of(line.response or Response()) for line in lines})
        return found


APIS: Mapping[Dialect, BatchApi] = {
    Dialect.ANTHROPIC_MESSAGES: AnthropicBatches(),
    Dialect.OPENAI_CHAT: OpenAIBatches("/v1/chat/completions"),
    Dialect.OPENAI_RESPONSES: OpenAIBatches("/v1/responses"),
}
"""By the dialect of a batch's requests."""


def outcome_of(result: Result | Response) -> Outcome:
    """A result as the answer that the request would have had by itself."""
    if isinstance(result, Response):
        if result.status_code == _OK:
            return Outcome(_OK, bytes(result.body))
        return Outcome(result.status_code, error_kind="batch_errored")
    if result.type == "succeeded":
        return Outcome(_OK, bytes(result.message))
    said = result.error.get("error")
    kind = said.get("type") if isinstance(said, dict) else None
    status = _REFUSED.get(kind, _FAILED) if isinstance(kind, str) else _FAILED
    return Outcome(status, error_kind=f"batch_{result.type or 'unknown'}")


def _form(boundary: bytes, content: bytes) -> bytes:
    """An upload of a file of requests as a form."""
    fields = (
        (b'name="purpose"', b"batch"),
        (b'name="file"; filename="shadows.jsonl"\r\ncontent-type: application/jsonl', content),
    )
    parts = [
        b"--" + boundary + b"\r\ncontent-disposition: form-data; " + head + b"\r\n\r\n" + value + b"\r\n"
        for head, value in fields
    ]
    return b"".join(parts) + b"--" + boundary + b"--\r\n"
