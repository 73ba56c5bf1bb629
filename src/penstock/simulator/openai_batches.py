"""OpenAI's Batch API: an uploaded file of requests (`/v1/files`), a batch of it (`/v1/batches`), and its output file.

The requests of a batch are answered when it is created and can be read when ``Config.batch_s`` simulated seconds have
passed. Each is billed at half price. A request that the API would refuse stands in the error file.
"""

from __future__ import annotations

from collections.abc import Callable
from email import policy as email_policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import msgspec

from penstock.simulator.errors import ApiError, bad_request, error_bytes
from penstock.simulator.ids import Ids
from penstock.simulator.incoming import Incoming
from penstock.simulator.response import Response

FILES, BATCHES = "/v1/files", "/v1/batches"
ENDPOINTS = ("/v1/chat/completions", "/v1/responses")
"""What a batch can be of; others are not simulated."""

Answer = Callable[[Incoming], Response]
"""Answers one request of a batch as a call of its own; ApiError for a refusal."""


class _Line(msgspec.Struct):
    custom_id: str
    url: str
    body: dict[str, Any]
    method: str = "POST"


class _Asked(msgspec.Struct):
    input_file_id: str
    endpoint: str
    completion_window: str


_DAY_S = 86_400


class OpenAIBatches:
    """The files and batches of one world."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._files: dict[str, bytes] = {}
        self._batches: dict[str, dict[str, Any]] = {}

    def upload(self, incoming: Incoming) -> dict[str, Any]:
        """Keep an uploaded file; ApiError for a form without a file and the purpose ``batch``."""
        name, content = _uploaded(incoming)
        return self._kept(name, content, incoming.at)

    def content(self, incoming: Incoming) -> bytes:
        """A file's bytes; ApiError 404 when there is none."""
        name = incoming.path.removeprefix(f"{FILES}/").removesuffix("/content")
        if name not in self._files:
            raise ApiError(404, None, f"No such File object: {name[:100]}")
        return self._files[name]

    def create(self, incoming: Incoming, batch_s: float, answer: Answer) -> dict[str, Any]:
        """A new batch, all of whose requests are answered; ApiError for a body that asks for none."""
        asked = _asked(incoming.body)
        lines = _lines(self._files.get(asked.input_file_id), asked.endpoint)
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for line in lines:
            status, body = _answered(incoming, line, answer)
            response = {"status_code": status, "request_id": incoming.id, "body": body}
            shown = {"id": self._ids.hexadecimal("batch_req_"), "custom_id": line.custom_id, "response": response}
            (good if status == 200 else bad).append({**shown, "error": None})  # noqa: PLR2004 - HTTP
        identifier = self._ids.hexadecimal("batch_")
        self._batches[identifier] = {
            "id": identifier,
            "object": "batch",
            "endpoint": asked.endpoint,
            "errors": None,
            "input_file_id": asked.input_file_id,
            "completion_window": asked.completion_window,
            "created_at": int(incoming.at),
            "expires_at": int(incoming.at) + _DAY_S,
            "over_at": incoming.at + batch_s,
            "output": self._output(good, incoming.at),
            "failed": self._output(bad, incoming.at),
            "counts": (len(lines), len(good), len(bad)),
        }
        return self._described(identifier, incoming.at)

    def find(self, incoming: Incoming) -> dict[str, Any]:
        """A batch as it stands; ApiError 404 when there is none."""
        return self._described(incoming.path.removeprefix(f"{BATCHES}/"), incoming.at)

    def _described(self, name: str, at: float) -> dict[str, Any]:
        batch = self._batches.get(name)
        if batch is None:
            raise ApiError(404, None, f"No batch found with id '{name[:100]}'.")
        shown = {key: value for key, value in batch.items() if key not in ("over_at", "output", "failed", "counts")}
        over = at >= batch["over_at"]
        total, completed, failed = batch["counts"] if over else (batch["counts"][0], 0, 0)
        return {
            **shown,
            "status": "completed" if over else "in_progress",
            "in_progress_at": batch["created_at"],
            "completed_at": int(batch["over_at"]) if over else None,
            "output_file_id": batch["output"] if over else None,
            "error_file_id": batch["failed"] if over else None,
            "request_counts": {"total": total, "completed": completed, "failed": failed},
        }

    def _output(self, lines: list[dict[str, Any]], at: float) -> str | None:
        if not lines:
            return None
        content = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        return str(self._kept("output.jsonl", content, at, purpose="batch_output")["id"])

    def _kept(self, name: str, content: bytes, at: float, purpose: str = "batch") -> dict[str, Any]:
        identifier = self._ids.hexadecimal("file-")
        self._files[identifier] = content
        return {
            "id": identifier,
            "object": "file",
            "bytes": len(content),
            "created_at": int(at),
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        }


def _uploaded(incoming: Incoming) -> tuple[str, bytes]:
    head = f"content-type: {incoming.headers.get('content-type', '')}\r\n\r\n".encode("latin-1")
    form = BytesParser(EmailMessage, policy=email_policy.HTTP).parsebytes(head + incoming.body)
    fields: dict[str, tuple[str, bytes]] = {}
    for part in form.iter_parts() if form.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = (part.get_filename() or "", content)
    if "file" not in fields or fields.get("purpose", ("", b""))[1].strip() != b"batch":
        raise bad_request("a form with `file` and the purpose `batch` is required")
    return fields["file"]


def _asked(body: bytes) -> _Asked:
    try:
        asked = msgspec.json.decode(body, type=_Asked)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise bad_request("input_file_id, endpoint and completion_window are required") from None
    if asked.endpoint not in ENDPOINTS or asked.completion_window != "24h":
        raise bad_request("this endpoint or completion_window is not supported")
    return asked


def _lines(content: bytes | None, endpoint: str) -> list[_Line]:
    if content is None:
        raise bad_request("input_file_id: no such file")
    try:
        lines = [msgspec.json.decode(line, type=_Line) for line in content.splitlines() if line.strip()]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise bad_request("the input file has a line that is not a request") from None
    if not lines or any(line.url != endpoint for line in lines) or len({line.custom_id for line in lines}) < len(lines):
        raise bad_request("each line needs the batch's endpoint as its url and a custom_id of its own")
    return lines


def _answered(incoming: Incoming, line: _Line, answer: Answer) -> tuple[int, Any]:
    one = msgspec.structs.replace(incoming, path=line.url, body=msgspec.json.encode(line.body))
    try:
        if line.body.get("stream"):
            raise bad_request("stream: not allowed in a batch")
        return 200, msgspec.json.decode(answer(one).body)
    except ApiError as error:
        return error.status, msgspec.json.decode(error_bytes("openai", error, incoming.id))
