"""Anthropic message batches, input and results (log-formats 7).

    {custom_id, params: {model, max_tokens, messages, ...}}
    {custom_id, result: {type: succeeded, message} | {type: errored, error} | {type: canceled} | {type: expired}}

Only succeeded results are billed (provider-semantics 1.11).
"""

from __future__ import annotations

import msgspec

from penstock.audit.importers.bodies import assemble, open_bodies
from penstock.audit.importers.format import Found, Importer
from penstock.audit.importers.join import BatchReading
from penstock.audit.importers.record import Record, decoded, fields_of
from penstock.audit.reading import Skipped
from penstock.wire.dialect import Dialect

_UNBILLED = {"canceled": "a canceled batch request (not billed)", "expired": "an expired batch request (not billed)"}
_OK = 200
_INVALID = 400


def _is_request(record: Record) -> bool:
    return "params" in record


def _join(request: Record | None, result: Record) -> Found:
    outcome = fields_of(result.raw("result") or b"{}") or {}
    kind = decoded(outcome["type"]) if "type" in outcome else None
    if isinstance(kind, str) and kind in _UNBILLED:
        return Skipped(_UNBILLED[kind], result.source)
    succeeded = kind == "succeeded"
    answer = outcome.get("message" if succeeded else "error")
    opened = open_bodies(
        request.raw("params") if request is not None else None,
        None if answer is None else bytes(answer),
        Dialect.ANTHROPIC_MESSAGES,
        result.source,
    )
    if isinstance(opened, Skipped):
        return opened
    bodies, dialect = opened
    call = assemble(bodies, dialect, source=result.source)
    return msgspec.structs.replace(call, status=_OK if succeeded else _INVALID, batch=True)


ANTHROPIC_BATCH = Importer(
    name="anthropic-batch",
    title="Anthropic batch input and results",
    matches=lambda record: "custom_id" in record and ("params" in record or "result" in record),
    start=lambda _report: BatchReading(_is_request, _join),
)
