"""Calls that are metered and not planned: forwarded as they came, answered as the provider did, and recorded."""

from __future__ import annotations

import asyncio
import math

from penstock.engine.labels import read_labels
from penstock.engine.metered import metered_call, most_it_embeds
from penstock.engine.record import Call
from penstock.engine.report import report_headers
from penstock.engine.steps import Send, Sent
from penstock.errors import UpstreamError
from penstock.gateway.added import Added
from penstock.gateway.admission import Admission
from penstock.gateway.caller import Caller
from penstock.gateway.headers import Asked, Lines, backward, header, replaced, says_simulated
from penstock.gateway.house import House
from penstock.gateway.keys import Holder
from penstock.gateway.pacing import NoRoom
from penstock.gateway.problems import Problem, error_kind, no_room, unreachable
from penstock.gateway.response import Response
from penstock.gateway.retry import TOO_MANY
from penstock.gateway.routes import Route
from penstock.telemetry.names import REFUSED
from penstock.wire.content_encoding import READABLE, plain_body
from penstock.wire.dialect import Dialect
from penstock.wire.metered import Metered, model_asked

_BYTES_PER_TOKEN = 4
"""For room in the provider's limits; its answers correct what is learnt of them."""


class MeteredCall:
    """Carries one call from its body to its record.

    Args:
        house: what the gateway's calls share.
        caller: who asks.
        route: where to; its ``metered`` says what is read of the answer.
        kind: the same.
        asked: the headers.
        call_id: ours.
        query: of the request, with its question mark, or empty.
        raw: the body as it came; it is never changed.
        holder: whose key it came with, or None where no keys are asked for.
    """

    def __init__(
        self,
        house: House,
        caller: Caller,
        route: Route,
        kind: Metered,
        asked: Asked,
        *,
        call_id: str,
        query: bytes,
        raw: bytes,
        holder: Holder | None,
    ) -> None:
        self._house = house
        self._caller = caller
        self._route = route
        self._kind = kind
        self._asked = asked
        self._call_id = call_id
        self._target = route.path + query
        self._raw = raw
        self._started_at = house.clock()
        self._added = Added()
        self._labels = read_labels(asked.ours)
        self._model = model_asked(plain_body(raw, asked.encoding) or b"")
        self._admission = Admission(house, route.provider, holder, asked, self._labels)
        self._problem: Problem | None = None

    async def run(self) -> None:
        """Answer the caller and keep the record, whatever happens on the way."""
        house, kind = self._house, self._kind
        dialect = Dialect.ANTHROPIC_MESSAGES if kind.provider == "anthropic" else Dialect.OPENAI_RESPONSES
        send = Send(body=self._raw, model=self._model, dialect=dialect)
        most = 0 if kind.free else most_it_embeds(self._model, len(self._raw), self._started_at)
        problem = self._admission.check(send, most)
        if problem is not None:
            await self._refuse(problem)
            return
        call: Call | None = None
        sent_at: float | None = None
        self._caller.watch()
        try:
            if not kind.free:  # counting has limits of its own (provider-semantics 1.8)
                await self._admission.enter(send, len(self._raw) / _BYTES_PER_TOKEN)
            sent_at = house.clock()
            self._added.sent(self._admission.queued_s)
            sent, lines, raw = await self._send(sent_at)
            call = self._record(sent)
        except NoRoom as error:
            await self._refuse(no_room(math.ceil(error.retry_after)))
            return
        except asyncio.CancelledError:
            if not self._caller.gone:
                raise
            call = self._record(self._lost("closed_by_caller", sent_at))
            return
        finally:
            self._caller.unwatch()
            self._admission.leave()
            self._admission.settle(call, sent=sent_at is not None)
        if self._problem is not None:
            await self._caller.refuse(self._problem, self._route.provider, self._call_id)
            return
        ours = report_headers(call, None)
        lines += [(name.encode("ascii"), value.encode("utf-8")) for name, value in ours.items()]
        await self._caller.answer(sent.status or 0, lines, raw)
        self._added.over(house.metrics, self._admission.queued_s)

    async def _send(self, sent_at: float) -> tuple[Sent, Lines, bytes]:
        """The request's way there and back: how it went, the answer's headers and its bytes."""
        house, route = self._house, self._route
        lines = house.credentials(route.provider, self._asked)
        accepted = header(lines, b"accept-encoding")
        if accepted is not None and ("br" in accepted or "zstd" in accepted or "*" in accepted):
            lines = replaced(lines, b"accept-encoding", READABLE)
        response: Response | None = None
        try:
            endpoint, admission = house.endpoints[route.provider], self._admission
            while response is None:
                response = await endpoint.request(b"POST", self._target, lines, self._raw, full=admission.full)
                if await admission.again(response):
                    response = None
            first_at = house.clock()
            raw = await response.read(house.settings.max_answer)
            self._added.answered()
        except UpstreamError as error:
            self._problem = unreachable(error)
            house.log.warning("upstream", call=self._call_id, provider=route.provider, error=str(error))
            return self._lost(error_kind(error), sent_at, None if response is None else response.status), [], b""
        except NoRoom as error:
            self._problem = no_room(math.ceil(error.retry_after))
            return self._lost("http_429", sent_at, status=TOO_MANY), [], b""
        except asyncio.CancelledError:
            if response is not None:
                response.close()
            raise
        sent = Sent(
            status=response.status,
            body=plain_body(raw, header(response.headers, b"content-encoding")),
            started_at=sent_at,
            first_byte_at=first_at,
            ended_at=house.clock(),
            error_kind=None if response.status < 300 else f"http_{response.status}",  # noqa: PLR2004 - HTTP
            simulated=says_simulated(response.headers),
        )
        return sent, replaced(backward(response.headers), b"content-length", b"%d" % len(raw)), raw

    def _lost(self, kind: str, sent_at: float | None, status: int | None = None) -> Sent:
        now = self._house.clock()
        return Sent(status=status, started_at=now if sent_at is None else sent_at, ended_at=now, error_kind=kind)

    def _record(self, sent: Sent) -> Call:
        """Keep the record."""
        labels = self._labels
        call = metered_call(
            self._kind,
            sent,
            call_id=self._call_id,
            started_at=self._started_at,
            model=self._model,
            request_bytes=len(self._raw),
            task=labels.task,
            session=labels.session,
            trace=labels.trace,
            tags=self._admission.tags,
        )
        self._house.books.keep(call)
        return call

    async def _refuse(self, problem: Problem) -> None:
        self._house.metrics.count(REFUSED, (("reason", problem.code or str(problem.status)),))
        await self._caller.refuse(problem, self._route.provider, self._call_id)
