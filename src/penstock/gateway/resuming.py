"""Batches that another process left behind: read, scored by digest, and put into the books. Nothing is sent again.

A batch can be read by whoever paid for it. With a provider key in the policy that is this gateway, at once; a batch
that was sent with a caller's own key waits until that caller is heard again. What nobody can read in time, and what may
or may not have been sent when a process died, is written off at an unknown cost, visibly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import msgspec

from penstock.engine.pending import PendingPair
from penstock.engine.record import Call
from penstock.engine.steps import WRITTEN_OFF, Sent
from penstock.errors import PenstockError, UpstreamError
from penstock.gateway.batch_apis import APIS, Outcome
from penstock.gateway.batches import asking, lost, sent_of
from penstock.gateway.headers import Lines
from penstock.gateway.kept_batches import KeptBatches, credentials_digest
from penstock.gateway.resilience import Endpoint
from penstock.gateway.settings import Settings
from penstock.ledger.pending import Kept

ANTHROPIC_VERSION = b"2023-06-01"
_UNSEEN_POLLS = 5

Settle = Callable[[PendingPair, Call, Sent], None]
"""Given a pair, its record, and what came of its shadow."""


class Resuming:
    """The batches that a gateway took over.

    Args:
        kept: where they are kept.
        settings: how often batches are asked for, and for how long.
        clock: seconds since the epoch.
        endpoint: of a provider.
        own: the credentials of the policy in force.
        settle: told of each pair.
        failed: is given a short name of each failure.
    """

    def __init__(
        self,
        kept: KeptBatches,
        settings: Settings,
        clock: Callable[[], float],
        *,
        endpoint: Callable[[str], Endpoint],
        own: Callable[[], Iterable[Lines]],
        settle: Settle,
        failed: Callable[[str], object],
    ) -> None:
        self._kept = kept
        self._settings = settings
        self._clock = clock
        self._endpoint = endpoint
        self._own = own
        self._settle = settle
        self._failed = failed
        self._orphans: dict[str, list[Kept]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Take over what was left, now and from time to time."""
        self._spawn(self._adopt())

    def heard(self, lines: Lines) -> None:
        """A caller's credentials: read what was sent with them."""
        if self._orphans:
            found = self._orphans.pop(credentials_digest(lines), None)
            if found is not None:
                self._start(found, lines)

    @property
    def orphans(self) -> int:
        """Pairs that were taken over and that nobody has the credentials for."""
        return sum(map(len, self._orphans.values()))

    def close(self) -> None:
        """Stop reading; the next process goes on."""
        for task in self._tasks:
            task.cancel()

    async def _adopt(self) -> None:
        while True:
            try:
                for one in await self._kept.adopt(_UNSEEN_POLLS * self._settings.batch_poll_s):
                    self._orphans.setdefault(one.credentials, []).append(one)
                for lines in self._own():
                    self.heard(lines)
                await self._write_off()
            except PenstockError as error:
                self._failed(f"batch: {type(error).__name__}")
            await asyncio.sleep(self._settings.batch_poll_s)

    async def _write_off(self) -> None:
        """Give up what cannot be read any more, and say of the rest that somebody still waits."""
        late = self._clock() - self._settings.batch_deadline_s
        for digest, waiting in list(self._orphans.items()):
            for one in waiting:
                if not one.batch or one.sent_at < late:
                    await self._over(one, None)
            left = [one for one in waiting if one.batch and one.sent_at >= late]
            for batch in {one.batch for one in left}:
                await self._kept.seen(batch)
            self._orphans[digest] = left
            if not left:
                del self._orphans[digest]

    def _start(self, waiting: list[Kept], lines: Lines) -> None:
        by_batch: dict[str, list[Kept]] = {}
        for one in waiting:
            by_batch.setdefault(one.batch, []).append(one)
        for batch, members in by_batch.items():
            self._spawn(self._read(batch, members, lines))

    async def _read(self, batch: str, members: list[Kept], lines: Lines) -> None:
        """See a batch through."""
        try:
            outcomes = await self._outcomes(batch, members, lines) if batch else {}
            for one in members:
                await self._over(one, outcomes.get(one.pair.call_id))
        except PenstockError as error:
            self._failed(f"batch: {type(error).__name__}")

    async def _outcomes(self, batch: str, members: list[Kept], lines: Lines) -> dict[str, Outcome]:
        first = members[0]
        dialect = first.pair.dialect
        until = first.sent_at + self._settings.batch_deadline_s
        while True:
            ask = asking(self._endpoint(dialect.provider), lines, self._settings.max_answer)
            try:
                outcomes = await APIS[dialect].outcomes(ask, batch)
                if outcomes is not None:
                    return outcomes
            except (UpstreamError, msgspec.MsgspecError, ValueError) as error:
                self._failed(f"batch: {type(error).__name__}")
            if self._clock() > until:
                return {}
            await self._kept.seen(batch)
            await asyncio.sleep(self._settings.batch_poll_s)

    async def _over(self, one: Kept, outcome: Outcome | None) -> None:
        now = self._clock()
        sent = lost(WRITTEN_OFF, one.sent_at, now) if outcome is None else sent_of(outcome, one.sent_at, now)
        call = await self._kept.record(one.pair.call_id)
        if call is not None:
            self._settle(one.pair, call, sent)
        await self._kept.over([one.pair.call_id])

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
