"""The way of spans to an OpenTelemetry collector: OTLP over HTTP in its JSON encoding, off every caller's path.

A small exporter of our own instead of the SDK's: spans are made from finished records, so nothing of the SDK's context,
samplers and processors would be used, and its exporter brings six packages for one POST. A collector takes JSON at the
address that takes protobuf. It is set up by OpenTelemetry's own variables:

    OTEL_EXPORTER_OTLP_ENDPOINT          http://collector:4318, to which /v1/traces is added
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   the whole address
    OTEL_EXPORTER_OTLP_HEADERS           name=value,name=value (also ..._TRACES_HEADERS)
    OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER=none
"""

from __future__ import annotations

import gzip
import http.client
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from penstock import __version__
from penstock.engine.record import Call
from penstock.errors import InternalError, UsageError
from penstock.ledger.writer import Writer
from penstock.telemetry import names
from penstock.telemetry.spans import Json, Parent, parent_of, span_of

CAPACITY = 10_000
"""Spans that may wait; further ones are dropped and counted."""

PATIENCE_S = 10.0
"""Seconds for one request to the collector."""

_TRY_AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which OTLP asks for the same batch again."""

_MOST_PARENTS = 20_000


class Collector(msgspec.Struct, frozen=True):
    """Where spans go.

    Attributes:
        url: of the traces.
        headers: sent with each request; never logged.
        resource: attributes of this process.
    """

    url: str
    headers: dict[str, str]
    resource: dict[str, str]


def collector_of(environment: Mapping[str, str]) -> Collector | None:
    """The collector that OpenTelemetry's variables name, or None.

    Raises:
        UsageError: an address that is none, or a protocol that we do not speak.
    """
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true" or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return None
    url = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if not url:
        base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        if not base:
            return None
        url = base.rstrip("/") + "/v1/traces"
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if environment.get(name) == "grpc":
            raise UsageError(f"{name}=grpc is not spoken here", hint="name the collector's HTTP address, port 4318")
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(
            "the collector's address is not an http or https URL", hint="for example http://127.0.0.1:4318"
        )
    headers = {
        **_pairs(environment.get("OTEL_EXPORTER_OTLP_HEADERS", "")),
        **_pairs(environment.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "")),
    }
    resource = {
        "service.name": "penstock",
        **_pairs(environment.get("OTEL_RESOURCE_ATTRIBUTES", "")),
        "service.version": __version__,
    }
    if environment.get("OTEL_SERVICE_NAME"):
        resource["service.name"] = environment["OTEL_SERVICE_NAME"]
    return Collector(url, headers, resource)


class SpanExporter:
    """Sends the spans of finished calls in batches, in a thread of its own.

    Args:
        collector: where to.
        capacity: spans that may wait.
        gather_s: how long spans gather.
        retry_s: pause after a failure that may pass.

    Attributes:
        rejected: spans that the collector refused.
    """

    def __init__(
        self, collector: Collector, *, capacity: int = CAPACITY, gather_s: float = 1.0, retry_s: float = 5.0
    ) -> None:
        self._collector = collector
        self._parents: OrderedDict[str, Parent] = OrderedDict()
        self.rejected = 0
        self.writer: Writer[tuple[Call, Parent | None]] = Writer(
            self._send, capacity=capacity, gather_s=gather_s, retry_s=retry_s, name="penstock-spans"
        )

    def met(self, call_id: str, traceparent: str | None) -> None:
        """Remember the caller's own span of a call that begins."""
        parent = parent_of(traceparent)
        if parent is not None:
            self._parents[call_id] = parent
            if len(self._parents) > _MOST_PARENTS:
                self._parents.popitem(last=False)

    def heard(self, call: Call) -> None:
        """A call ended. Its span is made later, in the thread; a trace that its caller does not sample has none."""
        parent = self._parents.pop(call.id, None)
        if parent is None or parent.sampled:
            self.writer.put((call, parent))

    def gauges(self) -> list[tuple[str, tuple[tuple[str, str], ...], float]]:
        """Spans that wait, were sent, and were lost, as metrics."""
        writer = self.writer
        lost = writer.refused + self.rejected
        counts = ((names.QUEUE, writer.waiting), (names.WRITTEN, writer.written - self.rejected), (names.LOST, lost))
        return [(name, (("file", "spans"),), float(count)) for name, count in counts]

    def close(self, timeout_s: float = 5.0) -> bool:
        """Send what waits; False when something was not sent in time."""
        return self.writer.close(timeout_s)

    def _send(self, batch: Sequence[tuple[Call, Parent | None]]) -> None:
        """Post a batch; InternalError when the collector may take it later."""
        body = gzip.compress(
            msgspec.json.encode(request_of([span_of(*one) for one in batch], self._collector.resource)), 1
        )
        headers = {"content-type": "application/json", "content-encoding": "gzip", **self._collector.headers}
        request = urllib.request.Request(self._collector.url, data=body, headers=headers)  # noqa: S310 - checked in collector_of
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - as above
                answer.read()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _TRY_AGAIN:
                raise InternalError(f"the collector answers {error.code}") from None
            self.rejected += len(batch)
        except (OSError, http.client.HTTPException) as error:
            raise InternalError(f"the collector cannot be reached ({type(error).__name__})") from None


def request_of(spans: Sequence[Json], resource: Mapping[str, str]) -> Json:
    """An ``ExportTraceServiceRequest`` as JSON values."""
    attributes: list[Any] = [{"key": name, "value": {"stringValue": value}} for name, value in resource.items()]
    scope = {"name": "penstock", "version": __version__}
    return {
        "resourceSpans": [
            {"resource": {"attributes": attributes}, "scopeSpans": [{"scope": scope, "spans": list(spans)}]}
        ]
    }


def _pairs(text: str) -> dict[str, str]:
    """``name=value,name=value``, values percent-encoded."""
    found = {}
    for part in text.split(","):
        name, separator, value = part.partition("=")
        if separator and name.strip():
            found[unquote(name.strip())] = unquote(value.strip())
    return found
