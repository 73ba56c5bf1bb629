"""A gateway from a policy: its upstreams, its provider keys, its books."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from penstock.engine.context import EngineContext
from penstock.gateway.app import Gateway
from penstock.gateway.budgets import Budgets
from penstock.gateway.heads import Heads
from penstock.gateway.house import House
from penstock.gateway.intake import Intake
from penstock.gateway.kept_batches import KeptBatches
from penstock.gateway.keys import KeyRing
from penstock.gateway.logs import Log
from penstock.gateway.origin import origin_of
from penstock.gateway.resilience import Address, Endpoint
from penstock.gateway.routes import PROVIDERS
from penstock.gateway.secrets import read_secret
from penstock.gateway.settings import Settings
from penstock.gateway.tunnel import proxy_for
from penstock.gateway.upstream import Limits, Upstream
from penstock.grading.graders import check_graders
from penstock.learning.start import learner_for
from penstock.ledger.books import Books
from penstock.ledger.evidencekeeper import EvidenceKeeper
from penstock.ledger.gatekeeper import GateKeeper
from penstock.ledger.ids import call_ids
from penstock.policy.schema import Policy
from penstock.telemetry.otlp import SpanExporter, collector_of

Addresses = dict[str, list[Upstream]]
"""The connections of each provider, first address first."""

PUBLIC = {"openai": "https://api.openai.com", "anthropic": "https://api.anthropic.com"}
"""Where the providers are, unless the policy says otherwise."""


def upstreams_of(policy: Policy, environment: Mapping[str, str], limits: Limits | None = None) -> Addresses:
    """The providers' connections, first address first; the allow-list of where requests may go."""
    found: Addresses = {}
    for provider in PROVIDERS:
        named = policy.upstream.get(provider)
        first = (named.base_url if named is not None else None) or PUBLIC[provider]
        origins = [origin_of(url) for url in (first, *(named.mirrors if named is not None else ()))]
        found[provider] = [Upstream(one, limits=limits, proxy=proxy_for(one, environment)) for one in origins]
    return found


def endpoints_of(policy: Policy, addresses: Addresses, clock: Callable[[], float]) -> dict[str, Endpoint]:
    """The providers with the policy's way of trying them."""
    rules = policy.resilience
    return {
        provider: Endpoint(
            [Address(one.origin.authority.decode("ascii"), one, rules) for one in upstreams],
            rules,
            clock=clock,
            draw=random.random,
        )
        for provider, upstreams in addresses.items()
    }


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
        UsageError: an upstream, a key reference or a grader of the policy is wrong, or the collector's address.
    """
    check_graders(policy)
    addresses = upstreams_of(policy, environment, limits)
    collector = collector_of(environment)
    budgets = Budgets(policy.budgets)
    path = books.ledger_path
    writer = call_ids(clock)()
    intake = Intake()
    learnt = _keeper(path, intake, settings or Settings(), clock, writer)
    if context is None:
        context = EngineContext(policy, evidence=None if learnt is None else learnt.evidence)
    if learnt is not None:
        learnt.begin(context.evidence, context.failures)
        books.heard.append(learnt.heard)
    if budgets:
        budgets.recall(books.earlier(month_begin(clock())))
    kept = None if path is None else KeptBatches(path, writer, clock, lambda name: context.failures.update([name]))
    house = House(
        context=context,
        books=books,
        upstreams={provider: upstreams[0] for provider, upstreams in addresses.items()},
        endpoints=endpoints_of(policy, addresses, clock),
        keys=provider_keys(policy, environment),
        ring=KeyRing(policy.keys, environment),
        budgets=budgets,
        settings=settings,
        clock=clock,
        ids=ids,
        log=log,
        spans=None if collector is None else SpanExporter(collector),
        kept=kept,
        intake=intake,
    )

    keeper = None if path is None else GateKeeper(context.gates, path, clock=clock, writer=writer)
    house.learner = learner_for(policy, house.context, path)

    async def closed() -> None:
        if house.resuming is not None:
            house.resuming.close()
        await house.shadows.close()
        if kept is not None:
            await kept.close()
        if house.learner is not None:
            house.learner.close()
        await house.warmth.close(ids, books.keep)
        if keeper is not None and not keeper.close():
            log.error("ledger", error="the quality gates were not written at the close")
        if learnt is not None and not learnt.close():
            log.error("ledger", error="what was learnt was not written at the close")
        await _close_connections(house)
        if house.spans is not None and not await asyncio.to_thread(house.spans.close):
            log.warning("spans", error="some were not sent at the close")
        if not books.close():
            log.error("ledger", error="records were lost at the close")

    return Gateway(house, closed=closed)


def _keeper(
    path: str | None, intake: Intake, settings: Settings, clock: Callable[[], float], writer: str
) -> EvidenceKeeper | None:
    """What keeps the evidence in the ledger's file, where there is one."""
    if path is None:
        return None
    return EvidenceKeeper(path, clock=clock, writer=writer, every_s=settings.learnt_s, carry=intake)


async def _close_connections(house: House) -> None:
    for upstream in house.retired:
        await upstream.aclose()
    for endpoint in house.endpoints.values():
        for address in endpoint.addresses:
            await address.exchange.aclose()


def reload_policy(house: House, policy: Policy, environment: Mapping[str, str], limits: Limits | None = None) -> None:
    """Put another policy in force between two requests; running calls finish under the one that they began with.

    Everything is built before anything is changed, so a wrong policy leaves the old one in force. Old connections serve
    their calls to the end and are let go when idle.

    Raises:
        UsageError: an upstream, a key reference or a grader of the policy is wrong.
    """
    check_graders(policy)
    addresses = upstreams_of(policy, environment, limits)
    keys = provider_keys(policy, environment)
    ring = KeyRing(policy.keys, environment)
    budgets = Budgets(policy.budgets)
    fresh = budgets.inherit(house.budgets)
    if fresh:
        budgets.recall(house.books.earlier(month_begin(house.clock())), only=fresh)
    house.retire()
    house.upstreams = {provider: upstreams[0] for provider, upstreams in addresses.items()}
    house.endpoints = endpoints_of(policy, addresses, house.clock)
    house.keys, house.ring, house.budgets = keys, ring, budgets
    house.heads = Heads(ring)
    if house.learner is None:
        house.learner = learner_for(policy, house.context, house.books.ledger_path)
    house.context.policy = policy


def month_begin(at: float) -> float:
    """The first instant (UTC) of the calendar month of ``at``, seconds since the epoch."""
    moment = datetime.fromtimestamp(at, UTC)
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
