"""OpenAI batch files, input and output (log-formats 6); Azure writes the same shape.

{custom_id, method, url, body}
{id, custom_id, response: {status_code, request_id, body} | null, error: {code, message} | null}
"""

from __future__ import annotations

import msgspec

from penstock.audit.importers.bodies import (
    OTHER_API,
    answered_at,
    assemble,
    dialect_of_name,
    open_bodies,
)
from penstock.audit.importers.format import Found, Importer
from penstock.audit.importers.join import BatchReading
from penstock.audit.importers.record import Record, decoded, fields_of, number_of
from penstock.audit.reading import Skipped


def _is_request(record: Record) -> bool:
    return "body" in record and "response" not in record


def _join(request: Record | None, result: Record) -> Found:
    url = request.text("url") if request is not None else None
    dialect = dialect_of_name(None, None, url)
    if url is not None and dialect is None:
        return Skipped(OTHER_API, result.source)
    answer = fields_of(result.raw("response") or b"{}") or {}
    body = answer.get("body")
    status = number_of(decoded(answer["status_code"])) if "status_code" in answer else None
    opened = open_bodies(
        request.raw("body") if request is not None else None,
        None if body is None or bytes(body) == b"null" else bytes(body),
        dialect,
        result.source,
    )
    if isinstance(opened, Skipped):
        return opened
    bodies, dialect = opened
    call = assemble(bodies, dialect, source=result.source)
    return msgspec.structs.replace(
        call, ts=answered_at(bodies), status=None if status is None else int(status), batch=True
    )


OPENAI_BATCH = Importer(
    name="openai-batch",
    title="OpenAI batch input and output",
    matches=lambda record: "custom_id" in record and ("body" in record or ("response" in record and "error" in record)),
    start=lambda _report: BatchReading(_is_request, _join),
)
