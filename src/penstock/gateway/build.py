"""A gateway from a policy: its upstreams, its provider keys, its books."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from penstock.engine.context import EngineContext
from penstock.gateway.app import Gateway
from penstock.gateway.house import House
from penstock.gateway.logs import Log
from penstock.gateway.origin import origin_of
from penstock.gateway.routes import PROVIDERS
from penstock.gateway.secrets import read_secret
from penstock.gateway.settings import Settings
from penstock.gateway.tunnel import proxy_for
from penstock.gateway.upstream import Limits, Upstream
from penstock.ledger.books import Books
from penstock.policy.schema import Policy

PUBLIC = {"openai": "https://api.openai.com", "anthropic": "https://api.anthropic.com"}
"""Where the providers are, unless the policy says otherwise."""


def upstreams_of(policy: Policy, environment: Mapping[str, str], limits: Limits | None = None) -> dict[str, Upstream]:
    """The providers' connections; the allow-list of where requests may go."""
    found = {}
    for provider in PROVIDERS:
        named = policy.upstream.get(provider)
        origin = origin_of((named.base_url if named is not None else None) or PUBLIC[provider])
        found[provider] = Upstream(origin, limits=limits, proxy=proxy_for(origin, environment))
    return found


def provider_keys(policy: Policy, environment: Mapping[str, str]) -> dict[str, bytes]:
    """The provider keys that the policy refers to."""
    return {
        provider: read_secret(named.api_key, environment, what=f"upstream.{provider}.api_key")
        for provider, named in policy.upstream.items()
        if named.api_key is not None and provider in PROVIDERS
    }


def build_gateway(
    policy: Policy,
    books: Books,
    *,
    clock: Callable[[], float],
    ids: Callable[[], str],
    log: Log,
    environment: Mapping[str, str],
    settings: Settings | None = None,
    context: EngineContext | None = None,
    limits: Limits | None = None,
) -> Gateway:
    """The application; on the server's shutdown it closes its connections and its books.

    Raises:
        UsageError: an upstream or a key reference of the policy is wrong.
    """
    house = House(
        context=context if context is not None else EngineContext(policy),
        books=books,
        upstreams=upstreams_of(policy, environment, limits),
        keys=provider_keys(policy, environment),
        settings=settings,
        clock=clock,
        ids=ids,
        log=log,
    )

    async def closed() -> None:
        for upstream in house.upstreams.values():
            await upstream.aclose()
        if not books.close():
            log.error("ledger", error="records were lost at the close")

    return Gateway(house, closed=closed)
