"""Spans of calls in this process, at a collector on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace

from penstock.client import Penstock
from penstock.client.spans import current_of
from penstock.errors import UsageError
from penstock.policy.schema import Policy, Upstream
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from tests.telemetry.test_otlp import collecting

TRACE_ID, SPAN_ID = 0x4BF92F3577B34DA6A3CE929D0E0E4736, 0x00F067AA0BA902B7
OTHER = "00-11111111111111111111111111111111-2222222222222222-01"
CHAT: dict[str, Any] = {
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "Something of a river of secrets."}],
}


def in_span(flags: int = 1) -> Any:
    """A context in which a span of the program runs."""
    context = trace.SpanContext(TRACE_ID, SPAN_ID, is_remote=False, trace_flags=trace.TraceFlags(flags))
    return trace.use_span(trace.NonRecordingSpan(context))


def penstock_for(simulator: Simulator, **more: Any) -> Penstock:
    return Penstock(Policy(upstream={"openai": Upstream(base_url=simulator.base_url)}), **more)


def ask(penstock: Penstock, **more: Any) -> None:
    with penstock.openai(api_key="sk-secret", max_retries=0) as gpt, penstock.task("triage"):
        gpt.chat.completions.create(**CHAT, **more)


def test_each_call_is_a_child_of_the_span_that_it_was_made_in_and_never_tells_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collecting() as received, simulating() as simulator:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        penstock = penstock_for(simulator, spans=True)
        with in_span():
            ask(penstock)
            with penstock.openai(api_key="sk-secret", max_retries=0) as gpt:
                gpt.embeddings.create(model="text-embedding-3-small", input="a river of secrets")
        ask(penstock)
        assert penstock.close()
    chat, embeddings, alone = received.spans
    assert (chat["name"], embeddings["name"]) == ("chat gpt-5-mini", "embeddings text-embedding-3-small")
    for span in (chat, embeddings):
        assert (span["traceId"], span["parentSpanId"]) == (f"{TRACE_ID:032x}", f"{SPAN_ID:016x}")
    assert "parentSpanId" not in alone
    attributes = {one["key"]: one["value"] for one in chat["attributes"]}
    assert attributes["penstock.task"] == {"stringValue": "triage"}
    assert int(attributes["gen_ai.usage.input_tokens"]["intValue"]) > 0
    assert "secret" not in json.dumps([body for _, _, body in received.requests])


async def test_an_async_call_is_a_child_of_its_task_s_span(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as received, simulating() as simulator:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        penstock = penstock_for(simulator, spans=True)
        async with penstock.async_openai(api_key="k", max_retries=0) as gpt:
            with in_span():
                stream = await gpt.chat.completions.create(**CHAT, stream=True)
            async for _ in stream:
                pass
        assert penstock.close()
    (span,) = received.spans
    assert span["parentSpanId"] == f"{SPAN_ID:016x}"


def test_a_request_s_own_traceparent_comes_before_the_running_span(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as received, simulating() as simulator:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        penstock = penstock_for(simulator, spans=True)
        with in_span():
            ask(penstock, extra_headers={"traceparent": OTHER})
        assert penstock.close()
    assert [span["parentSpanId"] for span in received.spans] == ["2222222222222222"]


def test_a_trace_that_is_not_sampled_has_no_span_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as received, simulating() as simulator:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        penstock = penstock_for(simulator, spans=True)
        with in_span(flags=0):
            ask(penstock)
        ask(penstock)
        assert penstock.close()
    assert ["parentSpanId" in span for span in received.spans] == [False]


def test_spans_are_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as received, simulating() as simulator:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        penstock = penstock_for(simulator)
        ask(penstock)
        assert penstock.close()
    assert received.requests == []


def test_where_no_collector_is_named_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with simulating() as simulator:
        penstock = penstock_for(simulator, spans=True)
        ask(penstock)
        assert penstock.close()


def test_a_wrong_address_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")
    with pytest.raises(UsageError) as caught:
        Penstock(Policy(), spans=True)
    assert caught.value.hint is not None


def test_without_opentelemetry_no_span_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with in_span():
        assert current_of()() is None


def test_nothing_of_it_is_imported_by_a_client_that_does_not_ask() -> None:
    code = (
        "import sys; from penstock.client import Penstock; from penstock.policy.schema import Policy; "
        "Penstock(Policy()).close(); "
        "print([name for name in sys.modules if name.startswith(('penstock.telemetry', 'opentelemetry'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"
