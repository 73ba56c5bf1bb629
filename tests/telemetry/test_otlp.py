"""Spans on their way to a collector on loopback."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anthropic
import httpx2
import pytest

from penstock.errors import UsageError
from penstock.simulator.server import running as simulating
from penstock.telemetry.otlp import Collector, SpanExporter, collector_of
from tests.gateway.running import policy_for, serving
from tests.ledger.calls import call

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Received:
    def __init__(self) -> None:
        self.url = ""
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.statuses: list[int] = []

    @property
    def spans(self) -> list[dict[str, Any]]:
        return [
            span
            for _, _, body in self.requests
            for one in body["resourceSpans"]
            for scope in one["scopeSpans"]
            for span in scope["spans"]
        ]


@contextmanager
def collecting(*statuses: int) -> Iterator[Received]:
    """A collector that answers with the statuses in turn, and then with 200."""
    received = Received()
    received.statuses = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
            status = received.statuses.pop(0) if received.statuses else 200
            if status == 200:
                received.requests.append((self.path, dict(self.headers.items()), json.loads(body)))
            self.send_response(status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    received.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def exporter(received: Received, **more: Any) -> SpanExporter:
    collector = Collector(f"{received.url}/v1/traces", {"x-key": "secret"}, {"service.name": "s"})
    return SpanExporter(collector, **{"gather_s": 0.0, "retry_s": 0.01, **more})


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)


def test_spans_arrive_with_headers_and_resource() -> None:
    with collecting() as received:
        spans = exporter(received)
        for number in range(3):
            spans.heard(call(number))
        assert spans.close()
    path, headers, body = received.requests[0]
    assert path == "/v1/traces"
    assert {name.lower(): value for name, value in headers.items()}["x-key"] == "secret"
    assert body["resourceSpans"][0]["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "s"}}
    ]
    assert len(received.spans) == 3


def test_a_collector_that_is_busy_is_asked_again_and_one_that_refuses_is_not() -> None:
    with collecting(503, 429, 400) as received:
        spans = exporter(received)
        spans.heard(call(1))
        eventually(lambda: spans.rejected == 1)
        spans.heard(call(2))
        assert spans.close()
    assert len(received.spans) == 1
    assert {name: value for name, _, value in spans.gauges()} == {
        "penstock_ledger_queue": 0.0,
        "penstock_ledger_written_total": 1.0,
        "penstock_ledger_refused_total": 1.0,
    }


def test_without_a_collector_spans_are_dropped_and_counted_and_nobody_waits() -> None:
    spans = SpanExporter(Collector("http://127.0.0.1:9/v1/traces", {}, {}), capacity=5, gather_s=0.0, retry_s=30.0)
    for number in range(50):
        spans.heard(call(number))
    assert spans.writer.refused >= 44
    assert not spans.close()


def test_a_trace_that_its_caller_does_not_sample_has_no_span() -> None:
    with collecting() as received:
        spans = exporter(received)
        spans.met(call(1).id, PARENT[:-1] + "0")
        spans.heard(call(1))
        spans.met(call(2).id, PARENT)
        spans.heard(call(2))
        assert spans.close()
    (span,) = received.spans
    assert span["parentSpanId"] == "00f067aa0ba902b7"


def test_a_gateway_tells_the_collector_of_its_calls_and_never_of_their_text() -> None:
    with collecting() as received, simulating() as simulator:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": received.url, "OTEL_SERVICE_NAME": "gate"}
        headers = {"traceparent": PARENT, "x-penstock-task": "triage", "x-penstock-tags": "secret=tag"}
        with serving(policy_for(simulator.base_url), environment=environment) as gateway:
            with anthropic.Anthropic(base_url=gateway.url, api_key="sk-secret", default_headers=headers) as claude:
                content: Any = [{"role": "user", "content": "Something of a river of secrets."}]
                claude.messages.create(model="claude-haiku-4-5", max_tokens=40, messages=content)
                claude.messages.count_tokens(model="claude-haiku-4-5", messages=content)
            gateway.calls(2)
            page = httpx2.get(f"{gateway.url}/metrics").text
        assert simulator.requests[0].headers["traceparent"] == PARENT
    assert 'penstock_ledger_queue{file="spans"}' in page
    first, second = received.spans
    assert (first["name"], second["name"]) == ("chat claude-haiku-4-5", "count_tokens claude-haiku-4-5")
    assert first["parentSpanId"] == "00f067aa0ba902b7"
    assert "secret" not in json.dumps([body for _, _, body in received.requests])


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318/"}, "http://a:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://a/x"}, "https://a/x"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_SDK_DISABLED": "true"}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_TRACES_EXPORTER": "none"}, None),
    ],
)
def test_the_usual_variables_name_the_collector(environment: dict[str, str], url: str | None) -> None:
    collector = collector_of(environment)
    assert (collector.url if collector is not None else None) == url


def test_headers_and_resource_are_read_from_the_usual_variables() -> None:
    collector = collector_of(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://a",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x, y=1",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test",
            "OTEL_SERVICE_NAME": "gate",
        }
    )
    assert collector is not None
    assert collector.headers == {"authorization": "Bearer x", "y": "1"}
    assert collector.resource["deployment.environment"] == "test"
    assert collector.resource["service.name"] == "gate"


@pytest.mark.parametrize(
    "environment",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
)
def test_what_we_do_not_speak_is_refused_at_the_start(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        collector_of(environment)
    assert caught.value.hint is not None
