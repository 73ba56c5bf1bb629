"""Waiting for room in a provider's rate limits instead of running into them.

Buckets are learnt from answers, one set for each provider, caller's key and model. A call that finds no room waits in
a queue that takes turns between callers; a full queue, or a wait beyond the longest, refuses it with the time to come
back.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable

from penstock.gateway.limits import Bucket, Limit

_MOST_LANES = 10_000
_TOKENS = ("tokens", "input-tokens")


class NoRoom(Exception):  # noqa: N818 - what the caller is told
    """No room in time; ``retry_after`` in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("no room in the provider's rate limits")
        self.retry_after = retry_after


class Lane:
    """The buckets and the queue of one provider, key and model."""

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.running = 0
        self.running_tokens = 0.0
        self._turns: OrderedDict[Hashable, deque[tuple[asyncio.Future[None], float]]] = OrderedDict()
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return self._waiting

    def wait_s(self, tokens: float, now: float) -> float:
        """Seconds until a call of so many tokens has room."""
        if not self.buckets:
            return 0.0
        return max(
            bucket.wait_s(1.0 if kind == "requests" else tokens, now)
            for kind, bucket in self.buckets.items()
            if kind == "requests" or kind in _TOKENS
        )

    async def enter(self, caller: Hashable, tokens: float, *, longest_s: float, most: int) -> None:
        """Take room for a call, waiting for it in turn.

        Args:
            caller: whose turn it is; callers alternate.
            tokens: that the call will be counted with.
            longest_s: the longest wait.
            most: how many calls may wait.

        Raises:
            NoRoom: the wait would be too long, or the queue is full.
        """
        loop = asyncio.get_running_loop()
        needed = self.wait_s(tokens, loop.time())
        if self._waiting == 0 and needed <= 0:
            self._take(tokens, loop.time())
            return
        if needed > longest_s or self._waiting >= most:
            raise NoRoom(max(needed, 1.0))
        future: asyncio.Future[None] = loop.create_future()
        self._turns.setdefault(caller, deque()).append((future, tokens))
        self._waiting += 1
        self._arm(loop)
        try:
            async with asyncio.timeout(longest_s):
                await future
        except TimeoutError:
            raise NoRoom(max(self.wait_s(tokens, loop.time()), 1.0)) from None
        finally:
            self._waiting -= 1

    def leave(self, tokens: float) -> None:
        """A call is over, or was given up."""
        self.running -= 1
        self.running_tokens -= tokens

    def learn(self, limits: list[Limit], now: float) -> None:
        """An answer's word on the limits."""
        for limit in limits:
            bucket = self.buckets.get(limit.kind)
            running = self.running if limit.kind == "requests" else self.running_tokens
            if bucket is None:
                self.buckets[limit.kind] = Bucket(limit, now)
            else:
                bucket.learn(limit, now, running)

    def _take(self, tokens: float, now: float) -> None:
        self.running += 1
        self.running_tokens += tokens
        for kind, bucket in self.buckets.items():
            bucket.take(1.0 if kind == "requests" else tokens if kind in _TOKENS else 0.0, now)

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None and self._turns:
            _, (_, tokens) = self._first()
            self._timer = loop.call_later(max(0.005, self.wait_s(tokens, loop.time())), self._serve, loop)

    def _first(self) -> tuple[Hashable, tuple[asyncio.Future[None], float]]:
        caller = next(iter(self._turns))
        return caller, self._turns[caller][0]

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go whoever has room, one call of each caller in turn."""
        self._timer = None
        while self._turns:
            caller, (future, tokens) = self._first()
            if not future.done() and self.wait_s(tokens, loop.time()) > 0:
                break
            queue = self._turns.pop(caller)
            queue.popleft()
            if queue:
                self._turns[caller] = queue  # behind the others
            if not future.done():
                self._take(tokens, loop.time())
                future.set_result(None)
        self._arm(loop)


class Pacer:
    """The lanes of a gateway; the least lately used go first."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[Hashable, Lane] = OrderedDict()

    def lane(self, key: Hashable) -> Lane:
        """The lane of a provider, key and model."""
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = Lane()
            if len(self._lanes) > _MOST_LANES:
                self._lanes.popitem(last=False)
        else:
            self._lanes.move_to_end(key)
        return lane

    @property
    def waiting(self) -> int:
        """Calls that wait in all lanes."""
        return sum(lane.waiting for lane in self._lanes.values())
