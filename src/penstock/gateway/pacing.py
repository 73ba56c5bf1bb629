"""Waiting for room in a provider's rate limits instead of running into them.

Buckets are learnt from answers, one set for each provider, caller's key and model. A call that finds no room waits in
a queue that takes turns between callers. Where the queue is full, the caller with the most calls in it loses its newest
one; a wait beyond the longest refuses a call too. Both are told when to come back.

Requests of our own (shadows, warming) stand behind all of them: they go when no caller waits and enough of each limit
is left for callers who may come (`limits.FOR_CALLERS`), or not at all.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Hashable

from penstock.gateway.limits import PART, Bucket, Limit, Need
from penstock.models.catalog import profile_of
from penstock.unknown import Unknown

_MOST_LANES = 10_000
_LEAST_SLEEP_S = 0.005
_LONGEST_SLEEP_S = 60.0
_WEIGHT = 0.2
"""Of the newest answer in the mean of their lengths."""


class NoRoom(Exception):  # noqa: N818 - what the caller is told
    """No room in time; ``retry_after`` in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("no room in the provider's rate limits")
        self.retry_after = retry_after


class Place:
    """A call that was let go: what it took, and what was over by then."""

    __slots__ = ("need", "over")

    def __init__(self, need: Need, over: Need) -> None:
        self.need = need
        self.over = over


_Waiting = tuple[asyncio.Future[Place], Need]


class Lane:
    """The buckets and the queue of one provider, key and model.

    Attributes:
        buckets: by kind of limit.
        running: what the calls that run now took.
        mean_output: tokens of a recent answer, for calls whose own length nobody can foresee;
            0 before the first.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, Bucket] = {}
        self.running: Need = (0.0, 0.0, 0.0)
        self._over: Need = (0.0, 0.0, 0.0)
        self.mean_output = 0.0
        self._shut_until = 0.0
        self._back_until = 0.0
        self._turns: OrderedDict[Hashable, deque[_Waiting]] = OrderedDict()
        self._behind: deque[_Waiting] = deque()
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Callers' calls in the queue."""
        return self._waiting

    def wait_s(self, need: Need, now: float) -> float:
        """Seconds until a call of such a need has room, were it the first."""
        need = self._foreseen(need)
        longest = self._shut_until - now if self._shut_until else 0.0
        for kind, bucket in self.buckets.items():
            wait = bucket.wait_s(need[PART[kind]], now)
            longest = max(longest, wait)
        return max(0.0, longest)

    def take(self, need: Need) -> Place | None:
        """Take room for a call if there is some and nobody waits for it."""
        now = asyncio.get_running_loop().time()
        return self._take(need, now) if self._waiting == 0 and self.wait_s(need, now) <= 0 else None

    async def enter(self, caller: Hashable, need: Need, *, longest_s: float, most: int) -> Place:
        """Take room for a call, waiting for it in turn.

        Args:
            caller: whose turn it is; callers alternate.
            need: that the call will be counted with.
            longest_s: the longest wait.
            most: how many calls may wait.

        Raises:
            NoRoom: the wait would be too long, or the queue is full.
        """
        place = self.take(need)
        if place is not None:
            return place
        loop = asyncio.get_running_loop()
        needed = self.wait_s(need, loop.time())
        if needed > longest_s:
            raise NoRoom(needed)
        if self._waiting >= most and not self._displaced(caller, loop.time()):
            raise NoRoom(self._wait_behind_s(need, loop.time()))
        future: asyncio.Future[Place] = loop.create_future()
        self._turns.setdefault(caller, deque()).append((future, need))
        self._waiting += 1
        if self._behind:
            self._rearm()  # the timer may be set for a request of ours, which goes later
        else:
            self._arm(loop)
        try:
            return await self._turn_of(future, longest_s)
        except TimeoutError:
            raise NoRoom(self._wait_behind_s(need, loop.time())) from None
        finally:
            self._waiting -= 1
            if future.cancelled():
                self._drop(caller, (future, need))

    def spare_wait_s(self, need: Need, now: float) -> float:
        """Seconds until a request of our own has room that no caller waits for; infinite where it never has."""
        need = self._foreseen(need)
        longest = max(0.0, self._shut_until - now, self._back_until - now)
        if self._turns:
            longest = max(longest, self._wait_behind_s(need, now))
        for kind, bucket in self.buckets.items():
            longest = max(longest, bucket.spare_wait_s(need[PART[kind]], now))
        return longest

    async def enter_behind(self, need: Need, *, longest_s: float) -> Place:
        """Take room for a request of our own once no caller waits for it.

        Args:
            need: that the request will be counted with.
            longest_s: the longest wait.

        Raises:
            NoRoom: there is none in time.
        """
        loop = asyncio.get_running_loop()
        needed = self.spare_wait_s(need, loop.time())
        if not self._turns and not self._behind and needed <= 0.0:
            return self._take(need, loop.time())
        if needed > longest_s:
            raise NoRoom(needed)
        future: asyncio.Future[Place] = loop.create_future()
        waiting = future, need
        self._behind.append(waiting)
        self._arm(loop)
        try:
            return await self._turn_of(future, longest_s)
        except TimeoutError:
            raise NoRoom(self.spare_wait_s(need, loop.time())) from None
        finally:
            if waiting in self._behind:
                self._behind.remove(waiting)

    def stand_back(self, seconds: float, now: float) -> None:
        """Let no request of our own go for a while: the provider refused one for want of room."""
        self._back_until = max(self._back_until, now + seconds)

    def leave(self, place: Place) -> None:
        """A call is over, or was given up."""
        self.running = _less(self.running, place.need)
        self._over = _more(self._over, place.need)

    def learn(self, limits: list[Limit], place: Place, now: float) -> None:
        """What the answer to a running call says about the limits.

        The provider has counted that call, but perhaps not what ran beside it when the answer was made, and of no
        running call the output.
        """
        for limit in limits:
            part = PART[limit.kind]
            bucket = self.buckets.get(limit.kind)
            own = place.need[part] if limit.kind != "output-tokens" else 0.0
            uncounted = self.running[part] - own + self._over[part] - place.over[part]
            if bucket is None:
                self.buckets[limit.kind] = Bucket(limit, now, uncounted)
            else:
                bucket.learn(limit, now, uncounted)
        if self._turns or self._behind:
            self._rearm()

    def shut(self, seconds: float, now: float) -> None:
        """Let nobody go for a while: the provider said when to come back."""
        self._shut_until = max(self._shut_until, now + seconds)

    def answered(self, output: int) -> None:
        """An answer was so many tokens long."""
        self.mean_output += (output - self.mean_output) * (_WEIGHT if self.mean_output else 1.0)

    def _foreseen(self, need: Need) -> Need:
        return need if need[2] else (need[0], need[1], max(1.0, self.mean_output))

    def _take(self, need: Need, now: float) -> Place:
        need = self._foreseen(need)
        self.running = _more(self.running, need)
        for kind, bucket in self.buckets.items():
            bucket.take(need[PART[kind]], now)
        return Place(need, self._over)

    async def _turn_of(self, future: asyncio.Future[Place], longest_s: float) -> Place:
        """A waiting call's place; a call that gives up in the moment in which it is let go leaves it."""
        try:
            async with asyncio.timeout(longest_s):
                return await future
        except (TimeoutError, asyncio.CancelledError):
            if future.done() and not future.cancelled() and future.exception() is None:
                self.leave(future.result())
            raise

    def _drop(self, caller: Hashable, waiting: _Waiting) -> None:
        """Take a call that waits no longer out of the queue."""
        queue = self._turns.get(caller)
        if queue is not None and waiting in queue:
            queue.remove(waiting)
            if not queue:
                del self._turns[caller]

    def _displaced(self, caller: Hashable, now: float) -> bool:
        """Whether the newest call of the caller with the most of them made way for one of a caller with fewer."""
        if not self._turns:
            return False
        greediest = max(self._turns, key=lambda one: len(self._turns[one]))
        queue = self._turns[greediest]
        if len(queue) <= len(self._turns.get(caller, ())) + 1:
            return False
        future, need = queue.pop()
        if not future.done():
            future.set_exception(NoRoom(self._wait_behind_s(need, now)))
        return True

    def _wait_behind_s(self, need: Need, now: float) -> float:
        """Seconds until a call of such a need has room behind all that wait."""
        need, longest = self._foreseen(need), self.wait_s(need, now)
        ahead: Need = (0.0, 0.0, 0.0)
        for queue in self._turns.values():
            for _, other in queue:
                ahead = _more(ahead, self._foreseen(other))
        for kind, bucket in self.buckets.items():
            longest = max(longest, bucket.wait_behind_s(need[PART[kind]], ahead[PART[kind]], now))
        return longest

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None or not (self._turns or self._behind):
            return
        if self._turns:
            _, (_, need) = self._first()
            wait = self.wait_s(need, loop.time())
        else:
            wait = min(self.spare_wait_s(self._behind[0][1], loop.time()), _LONGEST_SLEEP_S)
        self._timer = loop.call_later(max(_LEAST_SLEEP_S, wait), self._serve, loop)

    def _rearm(self) -> None:
        """Look anew at when the first call in the queue can go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._arm(asyncio.get_running_loop())

    def _first(self) -> tuple[Hashable, _Waiting]:
        caller = next(iter(self._turns))
        return caller, self._turns[caller][0]

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let go whoever has room, one call of each caller in turn, and requests of ours after all of them."""
        self._timer = None
        while self._turns:
            caller, (future, need) = self._first()
            if not future.done() and self.wait_s(need, loop.time()) > 0:
                break
            queue = self._turns.pop(caller)
            queue.popleft()
            if queue:
                self._turns[caller] = queue  # behind the others
            if not future.done():
                future.set_result(self._take(need, loop.time()))
        while self._behind and not self._turns:
            future, need = self._behind[0]
            if not future.done() and self.spare_wait_s(need, loop.time()) > 0:
                break
            self._behind.popleft()
            if not future.done():
                future.set_result(self._take(need, loop.time()))
        self._arm(loop)


def lane_key(provider: str, owner: Hashable, model: str) -> Hashable:
    """What tells lanes apart.

    Args:
        provider: whose limits they are.
        owner: the caller's own key, or None for the policy's.
        model: as the request names it; dated snapshots share their model's lane.
    """
    profile = profile_of(model)
    return provider, owner, model if isinstance(profile, Unknown) else profile.model


def _more(one: Need, other: Need) -> Need:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _less(one: Need, other: Need) -> Need:
    return one[0] - other[0], one[1] - other[1], one[2] - other[2]


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
