"""What the calls of one gateway share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from penstock.engine.context import EngineContext
from penstock.gateway.headers import Asked, Lines
from penstock.gateway.logs import Log
from penstock.gateway.settings import Settings
from penstock.gateway.upstream import Exchange, Upstream
from penstock.ledger.books import Books


class House:
    """The gateway's belongings.

    Attributes:
        context: the engine's.
        books: where records go.
        upstreams: by provider; the only places that requests go to.
        keys: the provider keys that replace the caller's, by provider.
        settings: limits.
        clock: seconds since the epoch.
        ids: makes the next call's id.
        log: structured lines.
    """

    def __init__(
        self,
        *,
        context: EngineContext,
        books: Books,
        upstreams: Mapping[str, Upstream],
        clock: Callable[[], float],
        ids: Callable[[], str],
        log: Log,
        keys: Mapping[str, bytes] | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.context = context
        self.books = books
        self.upstreams = upstreams
        self.keys = dict(keys or {})
        self.settings = settings or Settings()
        self.clock = clock
        self.ids = ids
        self.log = log

    def exchange(self, provider: str) -> Exchange:
        """The way to a provider."""
        return self.upstreams[provider]

    def credentials(self, provider: str, asked: Asked) -> Lines:
        """The caller's headers with the provider key of the policy in place of its own, where there is one."""
        key = self.keys.get(provider)
        if key is None:
            return asked.forwarded
        lines = [line for line in asked.forwarded if line[0] not in (b"authorization", b"x-api-key")]
        if provider == "anthropic" and not asked.bearer:
            return [*lines, (b"x-api-key", key)]
        return [*lines, (b"authorization", b"Bearer " + key)]
