"""Synthetic traffic billed by the provider's documented cache rules: native log lines for audit and replay tests.

A token is four bytes of a segment, so that what a log says and what the rules say agree exactly.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.audit.gather import AuditInput, gather
from penstock.audit.period import period_of
from penstock.audit.reading import ReadReport
from penstock.cachemodel.machine import CacheState, admit, begin
from penstock.cachemodel.prompt import prompt_of
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from penstock.wire.usage import Basis, Usage
from penstock.wire.usage_to import usage_object
from penstock.wire.view import read_request

START = 1790845200.0  # 2026-10-01 09:00 UTC
OPUS = "claude-opus-5"


def words(count: int, seed: str) -> str:
    """Text of about ``count`` tokens that is the same for a seed and has nothing in common with that of another."""
    return " ".join(f"{seed}{k % 97:02d}" for k in range(count * 4 // (len(seed) + 3)))


class Provider:
    """Answers requests and bills them; time is the caller's."""

    def __init__(self) -> None:
        self._state = CacheState()
        self._count = 0

    def call(
        self,
        body: dict[str, Any],
        at: float,
        *,
        dialect: Dialect = Dialect.ANTHROPIC_MESSAGES,
        output: int = 50,
        task: str | None = "triage",
        session: str | None = None,
        finish: str = "end_turn",
        ttft_ms: float = 500.0,
    ) -> RecordedCall:
        """Send one request."""
        raw = json.dumps(body).encode()
        view = read_request(dialect, raw)
        profile = profile_of(view.model)
        assert isinstance(profile, Profile)
        counts = [max(1, segment.size // 4) for segment in view.segments]
        admission = admit(self._state, prompt_of(view, profile, counts), at)
        begin(self._state, admission, at + ttft_ms / 1000)
        usage = admission.usage(output)
        self._count += 1
        response = _response(dialect, view.model, f"id-{self._count}", usage, finish)
        return RecordedCall(
            ts=at,
            dialect=dialect,
            model=view.model,
            request=raw,
            response=json.dumps(response).encode(),
            usage=msgspec.structs.replace(usage, basis=Basis.PROVIDER),
            status=200,
            latency_ms=ttft_ms * 2,
            ttft_ms=ttft_ms,
            tags={"task": task} if task else {},
            session=session,
            response_id=f"id-{self._count}",
            source=f"log.jsonl:{self._count}",
        )


def _response(dialect: Dialect, model: str, identity: str, usage: Usage, finish: str) -> dict[str, Any]:
    numbers = usage_object(dialect, usage)
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        content = [{"type": "text", "text": "done"}]
        head = {"id": identity, "type": "message", "role": "assistant", "model": model}
        return {**head, "content": content, "stop_reason": finish, "usage": numbers}
    if dialect is Dialect.OPENAI_CHAT:
        reason = {"end_turn": "stop", "max_tokens": "length"}[finish]
        choice = {"index": 0, "message": {"role": "assistant", "content": "done"}, "finish_reason": reason}
        return {"id": identity, "object": "chat.completion", "model": model, "choices": [choice], "usage": numbers}
    return {"id": identity, "object": "response", "model": model, "status": "completed", "output": [], "usage": numbers}


def line(call: RecordedCall) -> bytes:
    """The native log line of a call."""
    assert call.dialect is not None
    return msgspec.json.encode(
        {
            "ts": call.ts,
            "provider": call.dialect.provider,
            "api": call.dialect.value,
            "model": call.model,
            "request": msgspec.Raw(call.request or b"null"),
            "response": msgspec.Raw(call.response or b"null"),
            "status": call.status,
            "latency_ms": call.latency_ms,
            "ttft_ms": call.ttft_ms,
            "tags": call.tags,
            "session": call.session,
        }
    )


def one_shot(system: str, user: str, model: str = OPUS, **more: Any) -> dict[str, Any]:
    """A request with a system prompt and one question."""
    return {
        "model": model,
        "max_tokens": 1024,
        "system": system,
        "messages": [{"role": "user", "content": user}],
        **more,
    }


def static_prompts(calls: int = 40, gap_s: float = 60.0, *, tokens: int = 3000, **more: Any) -> list[RecordedCall]:
    """One-shot calls with a static system prompt and a question of their own."""
    provider = Provider()
    system = words(tokens, "sys")
    return [
        provider.call(one_shot(system, words(100, f"q{k}x"), **more), START + k * gap_s, output=20 + k % 7)
        for k in range(calls)
    ]


def audit_input(calls: list[RecordedCall], *, show_text: bool = False) -> AuditInput:
    """The calls gathered, with the period that they cover."""
    report = ReadReport()
    for call in calls:
        report.accept(call)
    today = datetime(2026, 11, 20, tzinfo=UTC)
    data = AuditInput(fingerprint=lambda view: "fp" + view.model, priced_at=today, report=report, show_text=show_text)
    gather(calls, data)
    data.period = period_of(report)
    return data
