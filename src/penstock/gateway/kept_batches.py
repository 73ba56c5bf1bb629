"""The pairs of a gateway that are in batches, kept in the ledger: never text, never a key, only a digest of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from penstock.engine.pending import PendingPair
from penstock.engine.record import Call
from penstock.errors import InternalError
from penstock.gateway.headers import Lines
from penstock.ledger.pending import Kept
from penstock.ledger.sqlite import open_ledger

Result = TypeVar("Result")

SECRETS = (b"authorization", b"x-api-key", b"openai-organization", b"openai-project")
"""The headers that say who pays for a batch and may read it."""


class KeptBatches:
    """Made once for each gateway with a ledger; the file is used from threads, one at a time.

    What only notes how far a batch has come may fail without harm to it, and is then counted; what must be kept before
    a batch is sent, and what is read, raises InternalError.

    Args:
        path: the ledger's file.
        owner: a name of this process, unlike any other's.
        clock: seconds since the epoch.
        failed: is given a short name of each failure.

    Raises:
        InputError: the file cannot be opened.
    """

    def __init__(
        self, path: str | Path, owner: str, clock: Callable[[], float], failed: Callable[[str], object]
    ) -> None:
        self._ledger = open_ledger(path)
        self._owner = owner
        self._clock = clock
        self._failed = failed
        self._lock = asyncio.Lock()

    async def sending(self, pairs: Sequence[PendingPair], credentials: str) -> None:
        """Keep pairs, before the batch is sent: a process that dies meanwhile leaves no hidden bill."""
        await self._do(lambda: self._ledger.pending.sending(pairs, credentials, self._owner, self._clock()))

    async def sent(self, calls: Sequence[str], batch: str) -> None:
        """Keep the batch's id."""
        await self._noted(lambda: self._ledger.pending.sent(calls, batch))

    async def seen(self, batch: str) -> None:
        """Say that this process still waits for a batch."""
        await self._noted(lambda: self._ledger.pending.seen(self._owner, batch, self._clock()))

    async def over(self, calls: Sequence[str]) -> None:
        """Forget pairs whose records say what came of them."""
        await self._noted(lambda: self._ledger.pending.over(calls))

    async def adopt(self, unseen_s: float) -> list[Kept]:
        """Take over what other processes left, or have not looked at for so many seconds."""
        now = self._clock()
        return await self._do(lambda: self._ledger.pending.adopt(self._owner, now, unseen_since=now - unseen_s))

    async def record(self, call_id: str) -> Call | None:
        """The record of a call."""
        return await self._do(lambda: self._ledger.get(call_id))

    async def close(self) -> None:
        """Leave what is in batches to the next process."""
        await self._noted(lambda: self._ledger.pending.let_go(self._owner))
        self._ledger.close()

    async def _noted(self, work: Callable[[], None]) -> None:
        try:
            await self._do(work)
        except InternalError:
            self._failed("batch: ledger")

    async def _do(self, work: Callable[[], Result]) -> Result:
        async with self._lock:
            job = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(job)
            except asyncio.CancelledError:
                await asyncio.wait([job])  # the thread has the file until it is done
                raise


def credentials_digest(lines: Lines) -> str:
    """32 hex digits of the headers that say who pays."""
    secrets = sorted(line for line in lines if line[0] in SECRETS)
    return blake2b(repr(secrets).encode(), digest_size=16).hexdigest()
