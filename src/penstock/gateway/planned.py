"""One call of a dialect that we plan: the engine's steps, carried out between a caller and a provider."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from time import perf_counter

import msgspec

from penstock.engine.call import Incoming, Outcome
from penstock.engine.flow import Flow
from penstock.engine.hidden_chunk import UsageChunkFilter
from penstock.engine.hidden_diagnosis import DiagnosisFilter, shown_to_caller
from penstock.engine.labels import Labels
from penstock.engine.metering import StreamMeter, ask_for_usage, wants_stream
from penstock.engine.record import Call
from penstock.engine.report import report_headers
from penstock.engine.steps import Grade, Hold, Later, Send, Sent, Shadow, Warm
from penstock.errors import UpstreamError
from penstock.gateway.added import Added
from penstock.gateway.admission import Admission
from penstock.gateway.background import Way
from penstock.gateway.caller import Caller
from penstock.gateway.fallback import body_for, worth_another
from penstock.gateway.headers import Asked, Lines, backward, header, says_simulated
from penstock.gateway.house import House
from penstock.gateway.keys import Holder
from penstock.gateway.pacing import NoRoom
from penstock.gateway.packed import Packed
from penstock.gateway.problems import Problem, error_kind, no_room, unreachable
from penstock.gateway.response import Response
from penstock.gateway.retry import TOO_MANY
from penstock.gateway.routes import Route
from penstock.ledger.traffic import exchanged_of
from penstock.telemetry.names import REFUSED
from penstock.wire.content_encoding import READABLE, plain_body
from penstock.wire.dialect import Dialect

_ANSWERED = 200
_NOT_STREAMED = (b"content-length", b"content-encoding")


class Kept:
    """An answer that is held until the engine says which one to show."""

    __slots__ = ("body", "lines", "problem", "sent", "status")

    def __init__(
        self,
        sent: Sent,
        *,
        status: int = 0,
        lines: Lines | None = None,
        body: bytes = b"",
        problem: Problem | None = None,
    ) -> None:
        self.sent = sent
        self.status = status
        self.lines = lines or []
        self.body = body
        self.problem = problem


class PlannedCall:
    """Carries one call from its body to its record.

    Args:
        house: what the gateway's calls share.
        caller: who asks.
        route: where to.
        asked: the headers.
        call_id: ours.
        query: of the request, with its question mark, or empty.
        raw: the body, without its content-encoding.
        packed: the body as it came, where it came with a content-encoding.
        holder: whose key it came with, or None where no keys are asked for.
        bypass: whether plans leave the call alone.
    """

    def __init__(
        self,
        house: House,
        caller: Caller,
        route: Route,
        asked: Asked,
        *,
        call_id: str,
        query: bytes,
        raw: bytes,
        packed: Packed | None = None,
        holder: Holder | None = None,
        bypass: bool = False,
    ) -> None:
        self._house = house
        self._caller = caller
        self._route = route
        self._asked = asked
        self._dialect: Dialect = route.dialect or Dialect.OPENAI_CHAT
        self._target = route.path + query
        self._raw = raw
        self._labels: Labels = asked.labels
        self._packed = packed
        # What cannot be read may ask for a stream; then whatever comes is passed on as it comes.
        self._streamed = packed is not None and not packed.readable
        self._started_at = house.clock()
        self._added = Added()
        self._call_id = call_id
        self._bypass = bypass or self._labels.bypass
        self._held: list[Kept] = []
        self._sent = False
        self._model = ""
        self._admission = Admission(house, route.provider, holder, asked, self._labels)

    def _begin(self) -> Flow:
        """The engine's side of the call. It is not kept here: it holds this object, and the two would be a cycle."""
        labels = self._labels
        return Flow(
            Incoming(
                call_id=self._call_id,
                dialect=self._dialect,
                raw=self._raw,
                task=labels.task,
                session=labels.session,
                trace=labels.trace,
                tags=self._admission.tags,
                bypass=self._bypass,
                started_at=self._started_at,
                streamed_to_caller=True if self._streamed else None,
                hides_diagnosis=self._packed is None or self._packed.readable,
            ),
            self._house.context,
            self._keep,
            self._warm,
            self._house.books.amend,
        )

    async def run(self) -> None:
        """Answer the caller and keep the record, whatever happens on the way."""
        flow = self._begin()
        step = flow.advance()
        while isinstance(step, Hold):
            await self._wait(step)
            step = flow.advance()
        if isinstance(step, Send):
            plan = step.plan
            self._streamed = self._streamed or (plan.view.stream if plan is not None else wants_stream(self._raw))
            problem = self._admission.check(step)
            if problem is not None:
                await self._refuse(problem)
                return
        self._caller.watch()
        try:
            while step is not None and not isinstance(step, Shadow | Grade):
                if isinstance(step, Send):
                    forwarded = await self._send(step)
                    step = flow.advance(forwarded if forwarded is not None else self._held[-1].sent)
                else:
                    step = flow.advance()
        except NoRoom as error:
            await self._refuse(no_room(math.ceil(error.retry_after)))
            return
        finally:
            self._caller.unwatch()
            outcome = flow.outcome
            self._admission.settle(outcome.call if outcome is not None else None, sent=self._sent)
        try:
            self._keep_traffic(outcome)
            if not self._caller.started and not self._caller.gone:
                await self._show(outcome)
            self._added.over(self._house.metrics, self._admission.queued_s)
        finally:
            if self._house.context.warming.holds(self._call_id):
                self._house.warmth.after(self._call_id, self._way())
            if step is not None:
                self._shadow(flow, step)

    def _shadow(self, flow: Flow, first: Later) -> None:
        """The caller has the answer: ask the other model, and keep the record with what came of it."""
        house = self._house
        house.shadows.start(flow, first, house.endpoints[self._route.provider], self._way())

    def _way(self) -> Way:
        house, provider = self._house, self._route.provider
        owner = house.owner(provider, self._asked)
        return Way(provider, self._target, house.credentials(provider, self._asked), owner)

    def _warm(self, warm: Warm) -> bool:
        return self._house.warmth.start(warm, self._way())

    async def _wait(self, hold: Hold) -> None:
        """Wait until a sibling's answer begins, the sibling fails, or the time is over."""
        over, began = asyncio.Event(), perf_counter()
        self._house.context.siblings.wait(hold.key, over.set)
        try:
            async with asyncio.timeout(max(0.0, hold.until_s - self._house.clock())):
                await over.wait()
        except TimeoutError:
            return
        finally:
            self._added.held_s += perf_counter() - began

    async def _refuse(self, problem: Problem) -> None:
        self._house.metrics.count(REFUSED, (("reason", problem.code or str(problem.status)),))
        await self._caller.refuse(problem, self._route.provider, self._call_id)

    def _keep(self, call: Call) -> None:
        if self._model:
            call.model_sent, call.predicted = self._model, None
        self._house.books.keep(call)

    async def _send(self, send: Send) -> Sent | None:
        """Carry out a Send, and again with the models that stand in for its own when the provider cannot serve it."""
        forwarded = await self._send_to(send, send.body)
        self._model = ""
        for model in self._stand_ins(send):
            if forwarded is not None or self._caller.gone or not worth_another(self._held[-1].sent.status):
                break
            body = body_for(send, model)
            if body is not None:
                forwarded = await self._send_to(msgspec.structs.replace(send, model=model), body)
                self._model = model
        return forwarded

    async def _send_to(self, send: Send, planned: bytes) -> Sent | None:
        """Send bytes for a Send; the result if the answer was forwarded, None if it is held."""
        house, admission = self._house, self._admission
        lines, body, hidden = self._outgoing(send, planned)
        if not await self._enter(send):
            return None
        endpoint, sent_at = house.endpoints[self._route.provider], house.clock()
        response: Response | None = None
        try:
            self._sent = True
            self._added.sent(admission.queued_s)
            while response is None:
                response = await endpoint.request(b"POST", self._target, lines, body, full=admission.full)
                if await admission.again(response):
                    response, sent_at = None, house.clock()
            first_at = house.clock()
            accepted = _ANSWERED <= response.status < 300  # noqa: PLR2004 - the class of success
            if accepted:
                house.context.began(self._call_id, first_at)
            kind = header(response.headers, b"content-type") or ""
            if accepted and self._streamed and not send.buffer and kind.startswith("text/event-stream"):
                return await self._forward(send, response, hidden=hidden, sent_at=sent_at)
            await self._hold(send, response, kind, sent_at=sent_at, first_at=first_at)
        except UpstreamError as error:
            self._held.append(Kept(self._failed(error, sent_at), problem=unreachable(error)))
            house.log.warning("upstream", call=self._call_id, provider=self._route.provider, error=str(error))
        except NoRoom as error:
            refused = Sent(status=TOO_MANY, started_at=sent_at, ended_at=house.clock(), error_kind="http_429")
            self._held.append(Kept(refused, problem=no_room(math.ceil(error.retry_after))))
        except asyncio.CancelledError:
            if not self._caller.gone:
                raise
            self._held.append(Kept(self._abandoned(sent_at, None if response is None else response.status)))
        finally:
            admission.leave()
        return None

    async def _enter(self, send: Send) -> bool:
        """Wait for room; NoRoom for a first request that no other model stands in for, False for any other."""
        try:
            await self._admission.enter(send)
        except NoRoom as error:
            if not self._held and not self._stand_ins(send):
                raise
            now = self._house.clock()
            unsent = Sent(status=None, started_at=now, ended_at=now, error_kind="not_sent")
            self._held.append(Kept(unsent, problem=no_room(math.ceil(error.retry_after))))
            return False
        return True

    def _stand_ins(self, send: Send) -> tuple[str, ...]:
        """The models that take a request when the provider cannot serve its own."""
        rules = self._house.rules
        if not rules.fallbacks or self._bypass or self._house.context.policy.mode != "apply":
            return ()
        return rules.fallbacks.get(send.model, ())

    def _outgoing(self, send: Send, planned: bytes) -> tuple[Lines, bytes, bool]:
        """Headers and body for the provider, and whether something of the answer has to be hidden from the caller."""
        body = planned
        hidden = False
        view = None
        if send.plan is not None:
            view = next((one for one in (send.plan.planned, send.plan.view) if one.raw is planned), None)
        if self._streamed and not self._bypass:
            body = ask_for_usage(self._dialect, planned, view)
            hidden = body is not planned
        hidden = hidden or send.diagnosed
        accepted = header(self._asked.forwarded, b"accept-encoding")
        encoding: bytes | None = None
        if hidden:
            encoding = b"identity"
        elif accepted is not None and ("br" in accepted or "zstd" in accepted or "*" in accepted):
            encoding = READABLE
        lines = self._house.credentials(self._route.provider, self._asked, encoding)
        if self._packed is not None:
            lines, body = self._packed.outgoing(lines, body)
        return lines, body, hidden

    async def _hold(self, send: Send, response: Response, kind: str, *, sent_at: float, first_at: float) -> None:
        """Read a whole answer."""
        house = self._house
        encoding, simulated = header(response.headers, b"content-encoding"), says_simulated(response.headers)
        try:
            raw = await response.read(house.settings.max_answer)
        except UpstreamError as error:
            self._held.append(Kept(self._failed(error, sent_at, response.status), problem=unreachable(error)))
            return
        except asyncio.CancelledError:
            response.close()
            if not self._caller.gone:
                raise
            self._held.append(Kept(self._abandoned(sent_at, status=response.status)))
            return
        self._added.answered()
        if kind.startswith("text/event-stream"):
            meter = StreamMeter(send, encoding)
            meter.feed(raw)
            sent = meter.sent(
                status=response.status,
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=house.clock(),
                prompt_tokens=_prompt_tokens(send),
                simulated=simulated,
            )
        else:
            sent = Sent(
                status=response.status,
                body=plain_body(raw, encoding),
                started_at=sent_at,
                first_byte_at=first_at,
                ended_at=house.clock(),
                error_kind=None if response.status < 300 else f"http_{response.status}",  # noqa: PLR2004 - HTTP
                simulated=simulated,
            )
        lines = response.headers
        if send.diagnosed:
            plain = plain_body(raw, encoding)
            if plain is not None:
                raw = shown_to_caller(self._dialect, plain, events=kind.startswith("text/event-stream"))
                lines = [line for line in lines if line[0] != b"content-encoding"]
        self._held.append(Kept(sent, status=response.status, lines=lines, body=raw))

    async def _forward(self, send: Send, response: Response, *, hidden: bool, sent_at: float) -> Sent:
        """Pass a stream on while it arrives, metered on the side."""
        house, caller = self._house, self._caller
        encoding = header(response.headers, b"content-encoding")
        hide = self._filter(send) if hidden and encoding in (None, "identity") else None
        meter = StreamMeter(send, encoding)
        first_at: float | None = None
        broken: str | None = None
        lines = [line for line in backward(response.headers) if line[0] != b"content-length"]
        ours = report_headers(None, send.plan, call_id=self._call_id, model=send.model)
        lines += [(name.encode("ascii"), value.encode("utf-8")) for name, value in ours.items()]

        def passed(chunk: bytes) -> Awaitable[object] | None:
            nonlocal first_at
            if first_at is None:
                first_at = house.clock()
            meter.feed(chunk)
            seen = chunk if hide is None else hide.feed(chunk)
            return caller.put(seen) if seen else None

        try:
            await caller.begin(response.status, lines)
            await response.pour(passed)
            rest = b"" if hide is None else hide.close()
            if rest:
                await caller.pass_on(rest)
            await caller.end()
        except UpstreamError as error:
            broken = error_kind(error)  # the caller's stream ends as the provider's did: without its end
        except asyncio.CancelledError:
            if not caller.gone:
                raise
            broken = "closed_by_caller"
        finally:
            response.close()
        return meter.sent(
            status=response.status,
            started_at=sent_at,
            first_byte_at=first_at,
            ended_at=house.clock(),
            broken=broken,
            prompt_tokens=_prompt_tokens(send),
            simulated=says_simulated(response.headers),
        )

    def _filter(self, send: Send) -> UsageChunkFilter | DiagnosisFilter:
        return DiagnosisFilter(self._dialect) if send.diagnosed else UsageChunkFilter()

    async def _show(self, outcome: Outcome | None) -> None:
        """Give the caller the answer that the engine chose."""
        chosen = self._held[-1]
        for kept in self._held:
            if outcome is not None and kept.sent is outcome.sent:
                chosen = kept
        if chosen.problem is not None:
            await self._caller.refuse(chosen.problem, self._route.provider, self._call_id)
            return
        lines = backward(chosen.lines, len(chosen.body))
        if outcome is not None:
            ours = report_headers(outcome.call, outcome.plan)
            lines += [(name.encode("ascii"), value.encode("utf-8")) for name, value in ours.items()]
        await self._caller.answer(chosen.status, lines, chosen.body)

    def _failed(self, error: UpstreamError, sent_at: float, status: int | None = None) -> Sent:
        return Sent(status=status, started_at=sent_at, ended_at=self._house.clock(), error_kind=error_kind(error))

    def _abandoned(self, sent_at: float, status: int | None = None) -> Sent:
        return Sent(status=status, started_at=sent_at, ended_at=self._house.clock(), error_kind="closed_by_caller")

    def _keep_traffic(self, outcome: Outcome | None) -> None:
        books = self._house.books
        if not books.records_traffic or outcome is None:
            return
        books.keep_traffic(
            exchanged_of(outcome.call, task=self._labels.task, request=self._raw, response=outcome.sent.body)
        )


def _prompt_tokens(send: Send) -> int | None:
    return None if send.plan is None else send.plan.facts.input_tokens
