"""One SDK call through the engine, without I/O: what to send next, and what to show the SDK.

The sync and the async transport differ only in how they send and read; everything else is here.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx2

from penstock.client.core import Core
from penstock.client.labelling import current_labels, joined
from penstock.client.warming import Head, Way
from penstock.engine.call import Incoming
from penstock.engine.flow import Flow
from penstock.engine.hidden_chunk import UsageChunkFilter
from penstock.engine.hidden_diagnosis import DiagnosisFilter, shown_to_caller
from penstock.engine.labels import PREFIX, read_labels
from penstock.engine.metering import StreamMeter, ask_for_usage, wants_stream
from penstock.engine.report import report_headers
from penstock.engine.steps import Grade, Graded, Hold, Later, Result, Send, Sent, Shadow, Warm
from penstock.ledger.traffic import exchanged_of
from penstock.wire.content_encoding import READABLE, Decoder, decoder_of, plain_body
from penstock.wire.dialect import Dialect, dialect_of_path
from penstock.wire.simulated import HEADER as SIMULATOR
from penstock.wire.simulated import is_simulated

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})
_READABLE = READABLE.decode()


def dialect_of(request: httpx2.Request) -> Dialect | None:
    """The dialect of an SDK's request, or None for one that we only pass on."""
    if request.method != "POST":
        return None
    path = request.url.path
    start = path.rfind("/v1/")
    return dialect_of_path(path[start:] if start > 0 else path)


def says_simulated(response: httpx2.Response) -> bool:
    """Whether a provider's response says that its answers are simulated."""
    return is_simulated(response.headers.get(SIMULATOR))


def without_ours(headers: httpx2.Headers) -> list[tuple[bytes, bytes]]:
    """The header lines that go upstream."""
    return [(name, value) for name, value in headers.raw if not name.lower().startswith(PREFIX.encode())]


class Exchange:
    """One call.

    Args:
        core: shared state.
        dialect: of the request.
        request: as the SDK made it, its body read.
        later: carries out what is left when the SDK has its answer, and ends the call; False when it cannot.
        way: how requests that warm its prefix go.
    """

    def __init__(
        self,
        core: Core,
        dialect: Dialect,
        request: httpx2.Request,
        later: Callable[[Exchange, Later], bool] | None = None,
        way: Way | None = None,
    ) -> None:
        self._core = core
        self._later = later
        self._way = way
        self._request = request
        self._raw = request.content
        self._dialect = dialect
        self.started_at = core.clock()
        self.call_id = core.begin(request.headers)
        self._labels = joined(
            current_labels(), read_labels({name.lower(): value for name, value in request.headers.items()})
        )
        self._streamed = wants_stream(self._raw)
        self._flow = Flow(
            Incoming(
                call_id=self.call_id,
                dialect=dialect,
                raw=self._raw,
                task=self._labels.task,
                session=self._labels.session,
                trace=self._labels.trace,
                tags=self._labels.tags,
                bypass=self._labels.bypass,
                started_at=self.started_at,
                streamed_to_caller=self._streamed,
                hides_diagnosis=True,
            ),
            core.context,
            core.books.keep,
            self._warm,
            core.books.amend,
        )
        self._shown: list[tuple[Sent, httpx2.Response | httpx2.TransportError]] = []

    def advance(self, result: Result = None) -> Send | Hold | None:
        """The next request to send or sibling to wait for; None when the call is over and its record is kept."""
        with self._core.lock:
            step = self._flow.advance(result)
        if isinstance(step, Hold):
            return step
        if not isinstance(step, Send):
            if self._shown:
                self._keep_traffic()
            if self._way is not None:
                self._core.warmth.after(self.call_id, self._way, self._head)
        if isinstance(step, Shadow | Grade):
            if self._later is None or not self._later(self, step):
                self.give_up()
            return None
        return step

    def _warm(self, warm: Warm) -> bool:
        return self._way is not None and self._core.warmth.start(warm, self._way, self._head())

    def _head(self) -> Head:
        request = self._request
        return Head(request.method, request.url, tuple(without_ours(request.headers)), dict(request.extensions))

    def after(self, result: Sent | Graded) -> Later | None:
        """What was to be done beside the call is done; the next thing, or None when the record is kept."""
        with self._core.lock:
            return self._flow.later(result)

    def give_up(self) -> None:
        """Keep the record without what is left to do beside the call."""
        with self._core.lock:
            self._flow.give_up()

    def grade(self, grade: Grade) -> Graded:
        """Have a pair graded, and wait for it."""
        return self._core.graders.grade(grade)

    async def grade_async(self, grade: Grade) -> Graded:
        """The same in an event loop."""
        return await self._core.graders.grade_async(grade)

    def waiting(self, hold: Hold, wake: Callable[[], object]) -> float:
        """Have ``wake`` called, from any thread, when the sibling is over; the seconds to wait at most."""
        with self._core.lock:
            self._core.context.siblings.wait(hold.key, wake)
        return max(0.0, hold.until_s - self._core.clock())

    def outgoing(self, send: Send) -> tuple[httpx2.Request, bool]:
        """The request of a Send, and whether something of its answer has to be hidden from the SDK."""
        quiet = self._labels.bypass or send.purpose in ("shadow", "judge")
        body = send.body if quiet else ask_for_usage(self._dialect, send.body)
        hidden = body is not send.body or send.diagnosed
        headers = [(name, value) for name, value in without_ours(self._request.headers) if name.lower() not in _FRAMING]
        if self._streamed or hidden or "accept-encoding" in self._request.headers:
            headers = [line for line in headers if line[0].lower() != b"accept-encoding"]
            headers.append((b"accept-encoding", b"identity" if hidden else READABLE))
        request = httpx2.Request(
            self._request.method,
            self._request.url,
            headers=headers,
            content=body,
            extensions=self._request.extensions,
        )
        return request, hidden

    def streams(self, send: Send, response: httpx2.Response) -> bool:
        """Whether an answer is handed to the SDK while it arrives."""
        kind = response.headers.get("content-type", "")
        return self._streamed and not send.buffer and response.is_success and kind.startswith("text/event-stream")

    def began(self, response: httpx2.Response) -> None:
        """The head of an answer arrived."""
        if response.is_success:
            with self._core.lock:
                self._core.context.began(self.call_id, self._core.clock())

    def arrived(self, send: Send, response: httpx2.Response, raw: bytes, *, sent_at: float, first_at: float) -> Sent:
        """A whole answer is there."""
        encoding = response.headers.get("content-encoding")
        now = self._core.clock()
        if response.headers.get("content-type", "").startswith("text/event-stream") and response.is_success:
            meter = StreamMeter(send, encoding)
            meter.feed(raw)
            sent = meter.sent(
                status=response.status_code,
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=now,
                prompt_tokens=prompt_tokens(send),
                simulated=says_simulated(response),
            )
        else:
            sent = Sent(
                status=response.status_code,
                body=plain_body(raw, encoding),
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=now,
                error_kind=None if response.is_success else f"http_{response.status_code}",
                simulated=says_simulated(response),
            )
        shown, dropped = self._undiagnosed(send, response, raw)
        whole = httpx2.Response(
            response.status_code,
            headers=[line for line in response.headers.raw if line[0].lower() not in dropped],
            stream=httpx2.ByteStream(shown),
            extensions=response.extensions,
        )
        self._shown.append((sent, whole))
        return sent

    def _undiagnosed(self, send: Send, response: httpx2.Response, raw: bytes) -> tuple[bytes, frozenset[bytes]]:
        """What the SDK may see of a whole answer, and the headers that are not true of it."""
        plain = plain_body(raw, response.headers.get("content-encoding")) if send.diagnosed else None
        if plain is None:
            return raw, _FRAMING
        events = response.headers.get("content-type", "").startswith("text/event-stream")
        return shown_to_caller(self._dialect, plain, events=events), _FRAMING | {b"content-encoding"}

    def failed(self, error: httpx2.TransportError, *, sent_at: float) -> Sent:
        """No answer came, or it broke off."""
        kind = "timeout" if isinstance(error, httpx2.TimeoutException) else "transport"
        if isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout)):
            kind = "connect"
        sent = Sent(status=None, started_at=sent_at, ended_at=self._core.clock(), error_kind=kind)
        self._shown.append((sent, error))
        return sent

    def shown(self) -> httpx2.Response:
        """The answer for the SDK; raises the transport error that it would have met without us."""
        outcome = self._flow.outcome
        chosen = self._shown[-1][1]
        for sent, response in self._shown:
            if outcome is not None and sent is outcome.sent:
                chosen = response
        if isinstance(chosen, httpx2.TransportError):
            raise chosen
        if outcome is not None:
            chosen.headers.update(report_headers(outcome.call, outcome.plan))
        return chosen

    def stream_headers(self, send: Send, response: httpx2.Response, *, decoded: bool) -> list[tuple[bytes, bytes]]:
        """The head of an answer that is forwarded while it arrives."""
        dropped = {b"content-length", b"content-encoding"} if decoded else set[bytes]()
        lines = [line for line in response.headers.raw if line[0].lower() not in dropped]
        ours = report_headers(None, send.plan, call_id=self.call_id, model=send.model)
        return lines + [(name.encode(), value.encode()) for name, value in ours.items()]

    def side(self, send: Send, response: httpx2.Response, *, hidden: bool, sent_at: float) -> Side:
        """What looks at a stream while it passes."""
        return Side(self, send, response, hidden=hidden, sent_at=sent_at)

    def finish_stream(self, sent: Sent) -> None:
        """A forwarded stream is over."""
        self._shown.append((sent, httpx2.Response(sent.status or 200)))
        self.advance(sent)

    def beside(self, shadow: Shadow) -> Send:
        """The Send of a request that no caller waits for."""
        return Send(body=shadow.body, model=shadow.model, dialect=shadow.dialect, buffer=True, purpose=shadow.purpose)

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self._core.clock()

    def _keep_traffic(self) -> None:
        books, outcome = self._core.books, self._flow.outcome
        if not books.records_traffic or outcome is None:
            return
        books.keep_traffic(
            exchanged_of(outcome.call, task=self._labels.task, request=self._raw, response=outcome.sent.body)
        )


class Side:
    """Meters a stream on its way to the SDK, and takes out what the SDK did not ask for."""

    def __init__(
        self, exchange: Exchange, send: Send, response: httpx2.Response, *, hidden: bool, sent_at: float
    ) -> None:
        encoding = response.headers.get("content-encoding")
        self._exchange = exchange
        self._send = send
        self._status = response.status_code
        self._simulated = says_simulated(response)
        self._decoder: Decoder | None = decoder_of(encoding) if hidden and encoding else None
        self._filter: UsageChunkFilter | DiagnosisFilter | None = None
        if hidden and (not encoding or self._decoder is not None):
            self._filter = DiagnosisFilter(send.dialect) if send.diagnosed else UsageChunkFilter()
        self._meter = StreamMeter(send, None if self._decoder is not None else encoding)
        self._sent_at = sent_at
        self._first_at: float | None = None
        self._over = False

    @property
    def decoded(self) -> bool:
        """Whether the SDK gets the stream without its encoding."""
        return self._decoder is not None

    def pass_on(self, chunk: bytes) -> bytes:
        """What the SDK may see of a chunk now."""
        if self._first_at is None:
            self._first_at = self._exchange.now
        if self._decoder is not None:
            chunk = self._decoder.feed(chunk)
        self._meter.feed(chunk)
        return chunk if self._filter is None else self._filter.feed(chunk)

    def rest(self) -> bytes:
        """What was held back when the stream ended."""
        return b"" if self._filter is None else self._filter.close()

    def over(self, broken: str | None = None) -> None:
        """The stream ended, broke, or was given up; the first word counts."""
        if self._over:
            return
        self._over = True
        self._exchange.finish_stream(
            self._meter.sent(
                status=self._status,
                started_at=self._sent_at,
                first_byte_at=self._first_at,
                ended_at=self._exchange.now,
                broken=broken,
                prompt_tokens=prompt_tokens(self._send),
                simulated=self._simulated,
            )
        )


def prompt_tokens(send: Send) -> int | None:
    """The estimated prompt of a request, or None when it could not be read."""
    return None if send.plan is None else send.plan.facts.input_tokens
