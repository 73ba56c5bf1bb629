"""Our own line (log-formats 15) and its poorer relative, a plain ``{request, response}`` pair.

    {ts, provider, api, model, request, response, usage?, status?, latency_ms?, ttft_ms?, tags?, session?, user?,
     reported_cost_usd?}

A pair may carry any of the other fields; without ``api`` the bodies themselves show which API they are of.
"""

from __future__ import annotations

import msgspec

from penstock.audit.importers.bodies import answered_at, assemble, dialect_of_name, open_bodies, usage_differs
from penstock.audit.importers.format import EachRecord, Found, Importer
from penstock.audit.importers.record import Record
from penstock.audit.reading import ReadReport, Skipped

USAGE_DIFFERS = "the log line's usage is not that of the response body; the body counts"

_TIMES = ("ts", "timestamp", "started_at", "start_time", "created_at", "time")


def read_neutral(record: Record, report: ReadReport) -> Found:
    """The call of a native line or a pair."""
    named = dialect_of_name(record.text("api"), record.text("provider"), record.text("url"))
    opened = open_bodies(record.raw("request"), record.raw("response"), named, record.source)
    if isinstance(opened, Skipped):
        return opened
    bodies, dialect = opened
    call = assemble(bodies, dialect, source=record.source, logged=record.raw("usage"))
    if usage_differs(dialect, call.usage, record.raw("usage")):
        report.warn(USAGE_DIFFERS, record.source)
    status = record.number("status")
    ts = record.time(*_TIMES)
    return msgspec.structs.replace(
        call,
        ts=ts if ts is not None else answered_at(bodies),
        model=call.model or record.text("model") or "",
        status=None if status is None else int(status),
        latency_ms=record.number("latency_ms"),
        ttft_ms=record.number("ttft_ms"),
        tags=_tags(record),
        session=record.text("session"),
        user=record.text("user"),
        reported_cost_usd=record.text("reported_cost_usd"),
        batch=record.value("batch") is True,
        stream=call.stream or record.value("stream") is True,
    )


def _tags(record: Record) -> dict[str, str]:
    """Labels as text; a list of ``name:value`` or ``name=value`` is read too, a bare word is its own value."""
    value = record.value("tags")
    tags: dict[str, str] = {}
    if isinstance(value, dict):
        tags = {str(key): str(tag) for key, tag in value.items() if isinstance(tag, (str, int, float))}
    elif isinstance(value, list):
        for tag in value:
            if isinstance(tag, str):
                name, separator, rest = tag.replace("=", ":", 1).partition(":")
                tags[name] = rest if separator else name
    task = record.text("task")
    return {**tags, "task": task} if task else tags


NATIVE = Importer(
    name="native",
    title="Penstock's own JSON lines",
    matches=lambda record: "api" in record and ("request" in record or "response" in record),
    start=lambda report: EachRecord(read_neutral, report),
)
