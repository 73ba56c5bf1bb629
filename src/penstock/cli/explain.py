"""``penstock explain``: what the policy does to one request, with its arithmetic."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import typer

from penstock.audit.read import read_calls
from penstock.audit.reading import ReadReport
from penstock.engine.context import EngineContext
from penstock.engine.flow import Flow
from penstock.engine.incoming import Incoming
from penstock.engine.plan import Plan
from penstock.engine.steps import Send, Sent
from penstock.errors import InputError, UsageError
from penstock.models.catalog import profile_of
from penstock.settings import read_policy
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall

_LIKELY_FIRST_BYTE_S = 1.0
_ACCEPTED = 200


def command(
    file: Path = typer.Argument(..., help="A request body, or a log of calls in any format that audit reads."),
    number: int | None = typer.Option(None, "--call", min=1, help="Which call of a log; the last one by default."),
    policy: Path | None = typer.Option(None, "--policy", help="The policy file."),
    task: str | None = typer.Option(None, "--task", help="The task's label, for a request body."),
    api: Dialect | None = typer.Option(None, "--api", help="The body's API, when it cannot be told by content."),
    as_json: bool = typer.Option(False, "--json", help="The plan as JSON."),
) -> None:
    """Show the plan for one request: what would change, why, what it saves, and what was turned down.

    For a log, the calls before it are what the engine has learnt. Nothing is sent.
    """
    context = EngineContext(read_policy(policy))
    raw = _read(file)
    if _is_body(raw):
        request = Incoming(call_id="explain", dialect=api or _dialect(raw), raw=raw, task=task, started_at=time.time())
        plan = _plan(request, context)
    else:
        plan = _plan_in_log(file, number, context)
    if plan is None:
        raise InputError(f"{file}: the request body cannot be read, so it would be sent as it is")
    if as_json:
        sys.stdout.write(json.dumps(plan.as_json(), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(plan.explain() + "\n")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None


def _is_body(raw: bytes) -> bool:
    """Whether the file is one request and not a log of calls."""
    try:
        value = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return "model" in value and ("messages" in value or "input" in value) and "request" not in value


def _dialect(raw: bytes) -> Dialect:
    """The API of a body: Responses have ``input``; messages are told by the model's provider."""
    value = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    if "messages" not in value:
        return Dialect.OPENAI_RESPONSES
    model = msgspec.json.decode(value["model"])
    profile = profile_of(model) if isinstance(model, str) else Unknown("no model")
    if isinstance(profile, Unknown):
        raise UsageError("cannot tell the API of this body", hint=f"give --api, one of {', '.join(Dialect)}")
    return Dialect.ANTHROPIC_MESSAGES if profile.provider == "anthropic" else Dialect.OPENAI_CHAT


def _plan_in_log(file: Path, number: int | None, context: EngineContext) -> Plan | None:
    """The plan for a call of a log, made from what the calls before it taught."""
    report = ReadReport()
    latest: RecordedCall | None = None
    for position, call in enumerate(_with_bodies(file, report), 1):
        if latest is not None:
            _learn(latest, position - 1, context)
        latest = call
        if position == number:
            break
    else:
        if number is not None:
            raise UsageError(f"{file} has {report.accepted} calls with a request body, and --call asks for {number}")
    if latest is None:
        raise InputError(f"{file}: no call with a request body of a known API")
    return _plan(_incoming(latest, "explain"), context)


def _with_bodies(file: Path, report: ReadReport) -> Iterator[RecordedCall]:
    for call in read_calls([file], report):
        if call.request is not None and call.dialect is not None:
            yield call


def _incoming(call: RecordedCall, call_id: str) -> Incoming:
    if call.dialect is None or call.request is None:  # `_with_bodies` left these out
        raise InputError(f"{call.source}: no request body")
    return Incoming(
        call_id=call_id,
        dialect=call.dialect,
        raw=call.request,
        task=call.tags.get("task"),
        session=call.session,
        started_at=call.ts if call.ts is not None else time.time(),
        streamed_to_caller=call.stream,
    )


def _learn(call: RecordedCall, position: int, context: EngineContext) -> None:
    """Run a recorded call as it was answered, sent as it came."""
    request = msgspec.structs.replace(_incoming(call, f"call-{position}"), bypass=True)
    flow = Flow(request, context, lambda _: None)
    step = flow.advance()
    at = request.started_at
    first = at + (_LIKELY_FIRST_BYTE_S if call.ttft_ms is None else call.ttft_ms / 1000)
    while step is not None:
        step = flow.advance(
            Sent(
                status=_ACCEPTED if call.status is None else call.status,
                body=call.response,
                usage=call.usage,
                started_at=at,
                first_byte_at=first,
                ended_at=first,
            )
            if isinstance(step, Send)
            else None
        )


def _plan(request: Incoming, context: EngineContext) -> Plan | None:
    """The plan that the first Send of a call carries; nothing is sent."""
    flow = Flow(request, context, lambda _: None)
    step = flow.advance()
    while step is not None and not isinstance(step, Send):
        step = flow.advance()
    return None if step is None else step.plan
