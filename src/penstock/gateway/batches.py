"""Shadows by a provider's batch API: gathered, sent together at half the price, and read when the batch is over.

Shadows with the same credentials go into one batch when so many of them wait, or the first has waited long enough. From
then on each call's record says that it waits, at an unknown cost, so that a process that dies leaves no hidden bill. At
the close, what was never sent is given up. What was sent is kept in the ledger for the next process
(``gateway.resuming``); without a ledger it is written off, at an unknown cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from penstock.engine.pending import WAITS
from penstock.engine.record import Call, ExtraSend
from penstock.engine.steps import WRITTEN_OFF, Sent, Shadow
from penstock.errors import InternalError, UpstreamError
from penstock.gateway.batch_apis import APIS, Ask, BatchApi, Outcome, Request
from penstock.gateway.headers import Lines, header, replaced
from penstock.gateway.kept_batches import SECRETS, KeptBatches, credentials_digest
from penstock.gateway.resilience import Endpoint
from penstock.gateway.settings import Settings
from penstock.wire.content_encoding import READABLE, plain_body
from penstock.wire.dialect import Dialect

MOST_WAITING = 5_000
"""Shadows that may wait, for a batch or in one; the next one is given up."""

_OK = 200
_CREDENTIALS = (*SECRETS, b"anthropic-version", b"anthropic-beta")

_Key = tuple[Dialect, tuple[tuple[bytes, bytes], ...]]


class _Waiting(msgspec.Struct):
    """A shadow that waits: its answer, and whether it was sent."""

    shadow: Shadow
    answer: asyncio.Future[Sent | None]
    queued_at: float
    sent: bool = False


class _Group:
    """The shadows of one set of credentials that are not sent yet."""

    def __init__(self, api: BatchApi, endpoint: Endpoint, lines: Lines) -> None:
        self.api = api
        self.endpoint = endpoint
        self.lines = lines
        self.waiting: list[_Waiting] = []
        self.full = asyncio.Event()


class Batches:
    """The batches of one gateway.

    Args:
        settings: how many shadows make a batch, how long they wait, how often batches are asked for.
        clock: seconds since the epoch.
        amend: given the record of a call whose shadow was sent.
        failed: is given a short name of each failure.
        kept: where pairs in batches outlive the process; None for nowhere.

    Attributes:
        heard: told of the credentials of each shadow; None for nobody.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        amend: Callable[[Call], object],
        failed: Callable[[str], object],
        kept: KeptBatches | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._amend = amend
        self._failed = failed
        self._kept = kept
        self._groups: dict[_Key, _Group] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.heard: Callable[[Lines], object] | None = None

    async def sent(self, shadow: Shadow, endpoint: Endpoint, lines: Lines) -> Sent | None:
        """The answer to a shadow, when its batch is over; None when it was given up and cost nothing."""
        if len(self._waiting) >= MOST_WAITING:
            self._failed("batch: too_many_shadows")
            return None
        if self.heard is not None:
            self.heard(lines)
        answer: asyncio.Future[Sent | None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(shadow, answer, self._clock())
        self._waiting[shadow.call_id] = waiting
        self._join(waiting, endpoint, lines)
        try:
            return await answer
        finally:
            self._waiting.pop(shadow.call_id, None)

    def close(self) -> None:
        """Give up what waits for a batch; what is in one is left to the next process, or written off."""
        for task in self._tasks:
            task.cancel()
        for waiting in list(self._waiting.values()):
            written_off = waiting.sent and (self._kept is None or waiting.shadow.pending is None)
            _settle(waiting, self._lost(waiting, WRITTEN_OFF) if written_off else None)

    def _join(self, waiting: _Waiting, endpoint: Endpoint, lines: Lines) -> None:
        credentials = tuple(sorted(line for line in lines if line[0] in _CREDENTIALS))
        key = (waiting.shadow.dialect, credentials)
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(APIS[waiting.shadow.dialect], endpoint, list(credentials))
            task = asyncio.get_running_loop().create_task(self._gather(key, group))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        group.waiting.append(waiting)
        if len(group.waiting) >= self._settings.batch_most:
            self._groups.pop(key, None)
            group.full.set()

    async def _gather(self, key: _Key, group: _Group) -> None:
        """Wait until a group is full or old enough, then see it through."""
        try:
            async with asyncio.timeout(self._settings.batch_wait_s):
                await group.full.wait()
        except TimeoutError:
            if self._groups.get(key) is group:
                del self._groups[key]
        try:
            await self._carry(group)
        except (UpstreamError, InternalError, msgspec.MsgspecError, ValueError) as error:
            self._failed(f"batch: {type(error).__name__}")
        for waiting in group.waiting:
            _settle(waiting, self._lost(waiting, "batch_lost") if waiting.sent else None)
        if self._kept is not None:
            await self._kept.over([one.shadow.call_id for one in group.waiting])

    async def _carry(self, group: _Group) -> None:
        """Send a batch, wait until it is over, and hand out its answers."""
        ask = asking(group.endpoint, group.lines, self._settings.max_answer)
        if self._kept is not None:
            pairs = [one.shadow.pending for one in group.waiting if one.shadow.pending is not None]
            await self._kept.sending(pairs, credentials_digest(group.lines))
        batch = await group.api.create(ask, [Request(one.shadow.call_id, one.shadow.body) for one in group.waiting])
        for waiting in group.waiting:
            waiting.sent = True
            self._amend(_marked(waiting.shadow, batch))
        if self._kept is not None:
            await self._kept.sent([one.shadow.call_id for one in group.waiting], batch)
        outcomes = await self._over(group.api, ask, batch)
        for waiting in group.waiting:
            outcome = outcomes.get(waiting.shadow.call_id)
            if outcome is not None:
                _settle(waiting, sent_of(outcome, waiting.queued_at, self._clock()))

    async def _over(self, api: BatchApi, ask: Ask, batch: str) -> dict[str, Outcome]:
        """What came of a batch when it is over; nothing at all when it is not over in time."""
        until = self._clock() + self._settings.batch_deadline_s
        while self._clock() <= until:
            await asyncio.sleep(self._settings.batch_poll_s)
            try:
                outcomes = await api.outcomes(ask, batch)
            except UpstreamError:
                self._failed("batch: not_found_for_now")
                continue
            if outcomes is not None:
                return outcomes
            if self._kept is not None:
                await self._kept.seen(batch)
        self._failed("batch: not_over_in_time")
        return {}

    def _lost(self, waiting: _Waiting, kind: str) -> Sent:
        return lost(kind, waiting.queued_at, self._clock())


def _settle(waiting: _Waiting, sent: Sent | None) -> None:
    if not waiting.answer.done():
        waiting.answer.set_result(sent)


def asking(endpoint: Endpoint, lines: Lines, most: int) -> Ask:
    """A way to ask a batch API: gives the body of a 200, ValueError for another status."""

    async def ask(method: bytes, target: bytes, body: bytes, kind: bytes) -> bytes:
        sent = replaced([*lines, (b"content-type", kind)], b"accept-encoding", READABLE)
        response = await endpoint.request(method, target, sent, body)
        raw = await response.read(most)
        plain = plain_body(raw, header(response.headers, b"content-encoding"))
        if response.status != _OK or plain is None:
            raise ValueError("the batch API refused")
        return plain

    return ask


def sent_of(outcome: Outcome, started_at: float, ended_at: float) -> Sent:
    """An outcome as the result of a Send."""
    return Sent(
        status=outcome.status,
        body=outcome.body,
        started_at=started_at,
        ended_at=ended_at,
        error_kind=outcome.error_kind,
        batched=True,
    )


def lost(kind: str, started_at: float, ended_at: float) -> Sent:
    """A shadow of which nothing came, though it may have to be paid for."""
    return Sent(status=None, started_at=started_at, ended_at=ended_at, error_kind=kind, batched=True)


def _marked(shadow: Shadow, batch: str) -> Call:
    """The record of a call whose shadow is in a batch: its cost is not known yet."""
    reason = f"{WAITS} {batch}"
    extra = ExtraSend(purpose="shadow", model=shadow.model, reason=reason, status=None, usage=None, cost=None)
    return msgspec.structs.replace(shadow.call, extra_sends=(*shadow.call.extra_sends, extra))
