"""One provider with its mirrors: tries that respect the provider's word, and addresses that are left alone.

Nothing here runs after a byte reached the caller: a try is over when the head of an answer is there, and only an answer
that nobody has seen is thrown away for another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import msgspec

from penstock.errors import UpstreamError, UpstreamLeftAlone
from penstock.gateway.breaker import Breaker
from penstock.gateway.headers import Lines
from penstock.gateway.response import Response
from penstock.gateway.retry import TOO_MANY, UNHEALTHY, may_repeat, repeats_by_itself, wait_of
from penstock.gateway.upstream import Exchange
from penstock.policy.serving import Resilience

_MOST_DISCARDED = 1 << 20


class Address:
    """One place where a provider answers."""

    __slots__ = ("breaker", "exchange", "name")

    def __init__(self, name: str, exchange: Exchange, rules: Resilience) -> None:
        self.name = name
        self.exchange = exchange
        self.breaker = Breaker(rules.breaker_failures, rules.breaker_open_s)


class Tries(msgspec.Struct):
    """What a request took: how many tries, and how many of them at another address."""

    count: int = 0
    moved: int = 0


class Endpoint:
    """A provider's addresses in the order of preference.

    Args:
        addresses: at least one.
        rules: the policy's.
        clock: seconds since the epoch, for ``retry-after`` dates.
        draw: uniform in 0..1, to spread waits.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        rules: Resilience,
        *,
        clock: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self.addresses = tuple(addresses)
        self.rules = rules
        self._clock = clock
        self._draw = draw

    async def request(
        self,
        method: bytes,
        target: bytes,
        headers: Lines,
        body: bytes,
        tries: Tries | None = None,
        *,
        full: Callable[[Response], bool] | None = None,
    ) -> Response:
        """Send a request whose body is in memory; the last answer, or the last error.

        Args:
            method: of the request.
            target: path and query.
            headers: to send.
            body: to send.
            tries: counts them.
            full: whether a 429 says that the provider's limits have no room. Such an answer is not repeated here:
                whoever asks waits for room in its turn.

        Raises:
            UpstreamLeftAlone: every address is, for now.
            UpstreamUnreachable: the last one could not be reached.
            UpstreamError: another failure of the last address that was tried.
        """
        tries = tries if tries is not None else Tries()
        again: int | None = None
        loop = asyncio.get_running_loop()
        while True:
            waits: list[float] = []
            error: UpstreamError | None = None
            response: Response | None = None
            for index, address in enumerate(self.addresses):
                if not address.breaker.admit(loop.time()):
                    waits.append(address.breaker.wait_s(loop.time()))
                    continue
                if response is not None:
                    await discard(response)
                tries.count += 1
                tries.moved += index > 0
                response, error = await self._try(address, method, target, headers, body)
                if response is not None and not (response.status in UNHEALTHY and self._more(index)):
                    break
            if response is not None and (
                response.status < 400  # noqa: PLR2004 - the error classes begin here
                or (response.status == TOO_MANY and full is not None and full(response))
            ):
                return response
            again = again if again is not None else 0 if repeats_by_itself(headers) else self.rules.retries
            wait = self._wait(response, tries.count) if again else None
            if wait is not None:
                again -= 1
                if response is not None:
                    await discard(response)
                await asyncio.sleep(wait)
                continue
            if response is not None:
                return response
            raise error or _left_alone(waits)

    async def _try(
        self, address: Address, method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> tuple[Response | None, UpstreamError | None]:
        loop = asyncio.get_running_loop()
        try:
            response = await address.exchange.request(method, target, headers, body)
        except UpstreamError as error:
            address.breaker.failed(loop.time())
            return None, error
        except BaseException:
            address.breaker.abandoned()
            raise
        if response.status in UNHEALTHY:
            address.breaker.failed(loop.time())
        else:
            address.breaker.succeeded()
        return response, None

    def _more(self, index: int) -> bool:
        return index + 1 < len(self.addresses)

    def _wait(self, response: Response | None, tries: int) -> float | None:
        """Seconds before another round, or None to leave it."""
        lines = response.headers if response is not None else []
        if response is not None and not may_repeat(response.status, lines):
            return None
        wait = wait_of(max(tries, 1), lines, now=self._clock(), draw=self._draw())
        return wait if wait <= self.rules.retry_wait_s else None


async def discard(response: Response) -> None:
    """Read an answer that nobody will see, so that its connection can be used again."""
    try:
        await response.read(_MOST_DISCARDED)
    except UpstreamError:
        response.close()


def _left_alone(waits: Sequence[float]) -> UpstreamLeftAlone:
    seconds = min(waits, default=0.0)
    return UpstreamLeftAlone(
        f"the provider failed repeatedly and is left alone for another {seconds:.1f} s",
        hint="it is probed again then; [resilience] breaker_failures and breaker_open_s set when and for how long",
        retry_after=seconds,
    )
