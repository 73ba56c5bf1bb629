"""Calls of an SDK that are metered and not planned: embeddings and token counts."""

from __future__ import annotations

import httpx2

from penstock.client.core import Core
from penstock.client.exchange import says_simulated, without_ours
from penstock.client.labelling import current_labels, joined
from penstock.engine.labels import read_labels
from penstock.engine.metered import metered_call
from penstock.engine.record import Call
from penstock.engine.report import report_headers
from penstock.engine.steps import Sent
from penstock.wire.content_encoding import READABLE, plain_body
from penstock.wire.metered import Metered, metered_of_path, model_asked

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


def metered_of(request: httpx2.Request) -> Metered | None:
    """The metered endpoint of an SDK's request, or None."""
    if request.method != "POST":
        return None
    path = request.url.path
    start = path.rfind("/v1/")
    return metered_of_path(path[start:] if start > 0 else path)


class MeteredExchange:
    """One call, without I/O.

    Args:
        core: shared state.
        kind: the endpoint.
        request: as the SDK made it, its body read.
    """

    def __init__(self, core: Core, kind: Metered, request: httpx2.Request) -> None:
        self._core = core
        self._kind = kind
        self._request = request
        self._call_id = core.begin(request.headers)
        self._started_at = core.clock()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._labels = joined(current_labels(), read_labels(headers))
        self._first_at: float | None = None

    def outgoing(self) -> httpx2.Request:
        """The request without our headers, its body as it came."""
        headers = [line for line in without_ours(self._request.headers) if line[0].lower() != b"accept-encoding"]
        return httpx2.Request(
            self._request.method,
            self._request.url,
            headers=[*headers, (b"accept-encoding", READABLE)],
            content=self._request.content,
            extensions=self._request.extensions,
        )

    def began(self) -> None:
        """The head of an answer arrived."""
        self._first_at = self._core.clock()

    def arrived(self, response: httpx2.Response, raw: bytes) -> httpx2.Response:
        """A whole answer is there: its record is kept, and the SDK gets it."""
        call = self._keep(
            response.status_code,
            body=plain_body(raw, response.headers.get("content-encoding")),
            error=None if response.is_success else f"http_{response.status_code}",
            simulated=says_simulated(response),
        )
        whole = httpx2.Response(
            response.status_code,
            headers=[line for line in response.headers.raw if line[0].lower() not in _FRAMING],
            stream=httpx2.ByteStream(raw),
            extensions=response.extensions,
        )
        whole.headers.update(report_headers(call, None))
        return whole

    def failed(self, error: httpx2.TransportError) -> None:
        """No answer came, or it broke off; what is not known to have gone nowhere may have been billed."""
        never = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
        timeout = isinstance(error, httpx2.TimeoutException)
        self._keep(None, body=None, error="connect" if never else "timeout" if timeout else "transport")

    def _keep(self, status: int | None, *, body: bytes | None, error: str | None, simulated: bool = False) -> Call:
        core, labels = self._core, self._labels
        sent = Sent(
            status=status,
            body=body,
            started_at=self._started_at,
            first_byte_at=self._first_at,
            ended_at=core.clock(),
            error_kind=error,
            simulated=simulated,
        )
        raw = self._request.content
        call = metered_call(
            self._kind,
            sent,
            call_id=self._call_id,
            started_at=self._started_at,
            model=model_asked(raw),
            request_bytes=len(raw),
            task=labels.task,
            session=labels.session,
            trace=labels.trace,
            tags=dict(labels.tags),
        )
        with core.lock:
            core.books.keep(call)
        return call
