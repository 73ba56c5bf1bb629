"""Spans of the calls of a ``Penstock``: the gateway's own (``telemetry``), from the same records to a collector.

Imported only where they are asked for. A call's span is a child of the span that runs in its caller's context, where
the program uses OpenTelemetry, unless its request brings a ``traceparent`` of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from penstock.engine.record import Call
from penstock.telemetry.otlp import SpanExporter, collector_of

TRACEPARENT = "traceparent"


class Spans:
    """Sends the spans of finished calls.

    Args:
        exporter: to the collector.
        current: gives the ``traceparent`` of the span that runs now, or None.
    """

    def __init__(self, exporter: SpanExporter, current: Callable[[], str | None]) -> None:
        self._exporter = exporter
        self._current = current

    def met(self, call_id: str, headers: Mapping[str, str]) -> None:
        """A call begins, in the context of its caller."""
        self._exporter.met(call_id, headers.get(TRACEPARENT) or self._current())

    def heard(self, call: Call) -> None:
        """A call ended."""
        self._exporter.heard(call)

    def close(self) -> bool:
        """Send what waits; False when something was not sent in time."""
        return self._exporter.close()


def spans_of(environment: Mapping[str, str]) -> Spans | None:
    """Spans to the collector that OpenTelemetry's variables name; None where they name none.

    Raises:
        UsageError: an address that is none, or a protocol that we do not speak.
    """
    collector = collector_of(environment)
    return None if collector is None else Spans(SpanExporter(collector), current_of())


def current_of() -> Callable[[], str | None]:
    """Gives the running span's ``traceparent`` (W3C Trace Context); without OpenTelemetry's API there is never one."""
    try:
        trace: Any = import_module("opentelemetry.trace")
    except ImportError:
        return lambda: None

    def current() -> str | None:
        span = trace.get_current_span().get_span_context()
        if not span.is_valid:
            return None
        return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"

    return current
