"""What the calls of one gateway share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from penstock.engine.context import EngineContext
from penstock.engine.late import settled_late
from penstock.engine.pending import PendingPair
from penstock.engine.record import Call
from penstock.engine.steps import Sent
from penstock.gateway.background import Background
from penstock.gateway.batches import Batches
from penstock.gateway.budgets import Budgets, Verdict, period_of
from penstock.gateway.drift import alarm_log, drift_gauges
from penstock.gateway.headers import Asked, Lines, SameLines, replaced
from penstock.gateway.heads import Heads
from penstock.gateway.intake import Intake
from penstock.gateway.kept_batches import KeptBatches
from penstock.gateway.keys import Holder, KeyRing
from penstock.gateway.logs import Log
from penstock.gateway.metrics import Gauge, Metrics
from penstock.gateway.pacing import Pacer
from penstock.gateway.resilience import Endpoint
from penstock.gateway.resuming import ANTHROPIC_VERSION, Resuming
from penstock.gateway.settings import Settings
from penstock.gateway.shadows import Shadows
from penstock.gateway.upstream import Exchange, Upstream
from penstock.gateway.warming import Warmth
from penstock.ledger.books import Books
from penstock.money import PICO_PER_USD
from penstock.policy.serving import Resilience
from penstock.telemetry.names import BREAKER, BUDGET, LOST, QUEUE, RUNNING, TASKS, WAITING, WRITTEN
from penstock.telemetry.otlp import SpanExporter

if TYPE_CHECKING:
    from penstock.learning.learner import Learner


class House:
    """The gateway's belongings.

    Attributes:
        context: the engine's.
        books: where records go.
        upstreams: by provider; the only places that requests go to.
        keys: the provider keys that replace the caller's, by provider.
        endpoints: the same providers with their mirrors, tried as the policy says.
        ring: the virtual keys.
        heads: request heads that were seen before under this policy.
        budgets: limits on spending.
        pacer: room in the providers' limits.
        metrics: counters.
        rules: the policy's section on resilience.
        running: calls that run now.
        shadows: requests for the quality gate that no caller waits for.
        resuming: batches of shadows that an earlier process left; None without a ledger.
        spans: the exporter to an OpenTelemetry collector, or None.
        learner: what finds easy prompts, where the policy asks for that.
        warmth: requests that fill cache entries or keep them alive.
        intake: what other processes have learnt on its way to the context.
        retired: connections of policies that were in force before.
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
        endpoints: Mapping[str, Endpoint],
        clock: Callable[[], float],
        ids: Callable[[], str],
        log: Log,
        keys: Mapping[str, bytes] | None = None,
        ring: KeyRing | None = None,
        budgets: Budgets | None = None,
        settings: Settings | None = None,
        spans: SpanExporter | None = None,
        kept: KeptBatches | None = None,
        intake: Intake | None = None,
    ) -> None:
        self.context = context
        self.books = books
        self.upstreams = upstreams
        self.endpoints = endpoints
        self.ring = ring if ring is not None else KeyRing({}, {})
        self.heads = Heads(self.ring)
        self.budgets = budgets if budgets is not None else Budgets({})
        self.pacer = Pacer()
        self.metrics = Metrics()
        self.running = 0
        self.learner: Learner | None = None
        self.intake = intake if intake is not None else Intake()
        self.retired: list[Exchange] = []
        self._locks: dict[str, asyncio.Lock] = {}
        self._warned: set[tuple[str, str]] = set()
        books.heard.append(self.metrics.heard)
        self.keys = dict(keys or {})
        self.settings = settings or Settings()
        self.clock = clock
        self.ids = ids
        self.log = log
        books.heard.append(alarm_log(log))
        self.spans = spans
        if spans is not None:
            books.heard.append(spans.heard)
        batches = Batches(self.settings, clock, books.amend, self._failed, kept)
        background = Background(
            self.pacer, self.metrics, self.settings, rules=lambda: self.rules, callers=lambda: self.running, clock=clock
        )
        self.shadows = Shadows(background, lambda: self.rules.queue_s, batches)
        self.resuming = None if kept is None else self._resuming(kept)
        batches.heard = None if self.resuming is None else self.resuming.heard
        self.warmth = Warmth(context, lambda: self.endpoints, background, clock)

    def own_credentials(self) -> list[Lines]:
        """The provider keys of the policy as headers, in each form in which calls are sent with them."""
        found: list[Lines] = []
        for provider, key in self.keys.items():
            bearer = (b"authorization", b"Bearer " + key)
            if provider == "anthropic":
                version = (b"anthropic-version", ANTHROPIC_VERSION)
                found += [[(b"x-api-key", key), version], [bearer, version]]
            else:
                found.append([bearer])
        return found

    def _resuming(self, kept: KeptBatches) -> Resuming:
        def settle(pair: PendingPair, call: Call, sent: Sent) -> None:
            settled = settled_late(pair, call, sent, self.context)
            if settled is not call:
                self.books.amend(settled)

        return Resuming(
            kept,
            self.settings,
            self.clock,
            endpoint=lambda provider: self.endpoints[provider],
            own=self.own_credentials,
            settle=settle,
            failed=self._failed,
        )

    def _failed(self, name: str) -> None:
        self.context.failures[name] += 1

    def retire(self) -> None:
        """Set the connections aside: running calls use them to their end, idle ones are let go by their own sweep."""
        self.retired += [address.exchange for endpoint in self.endpoints.values() for address in endpoint.addresses]

    @property
    def rules(self) -> Resilience:
        """What is done when a provider fails."""
        return self.context.policy.resilience

    def governed(self, holder: Holder | None) -> bool:
        """Whether a call can only be let in when its body was read."""
        return bool(self.budgets) or (holder is not None and holder.limited)

    def throttle(self, budget: str) -> asyncio.Lock:
        """The lock that lets the calls of a spent budget run one at a time."""
        return self._locks.setdefault(budget, asyncio.Lock())

    def warn_of_budget(self, verdict: Verdict) -> None:
        """Say once in a day that a budget is near or beyond its end."""
        word = (f"{verdict.budget} {verdict.action}", period_of("day", self.clock()))
        if word not in self._warned:
            self._warned.add(word)
            self.log.warning("budget", budget=verdict.budget, action=verdict.action)

    def gauges(self) -> list[Gauge]:
        """What the metrics read at this moment."""
        found: list[Gauge] = [(RUNNING, (), self.running), (WAITING, (), self.pacer.waiting)]
        found.append((TASKS, (), len(asyncio.all_tasks())))
        for name, writer in self.books.writers.items():
            label = (("file", name),)
            found += [(QUEUE, label, writer.waiting), (WRITTEN, label, writer.written), (LOST, label, writer.refused)]
        if self.spans is not None:
            found += self.spans.gauges()
        now = asyncio.get_running_loop().time()
        for provider, endpoint in self.endpoints.items():
            for address in endpoint.addresses:
                labels = (("provider", provider), ("address", address.name))
                found.append((BREAKER, labels, float(address.breaker.state(now) != "closed")))
        for name, limit, spent, reserved in self.budgets.standing():
            for part, amount in (("limit", limit), ("spent", spent), ("reserved", reserved)):
                found.append((BUDGET, (("budget", name), ("part", part)), amount / PICO_PER_USD))
        return found + drift_gauges(self.context.evidence.drift, self.clock())

    def owner(self, provider: str, asked: Asked) -> bytes | None:
        """Whose limits at a provider a call counts in: the caller's own key, or None for the policy's."""
        return asked.key if provider not in self.keys else None

    def credentials(self, provider: str, asked: Asked, encoding: bytes | None = None) -> Lines:
        """The caller's headers with the provider key of the policy in place of its own, where there is one.

        A subscription's token stays: another key would bill somebody else.

        Args:
            provider: that they go to.
            asked: the caller's headers.
            encoding: another ``accept-encoding``, or None for the caller's own.
        """
        place = (provider, encoding)
        known = asked.upstream.get(place)
        if known is None:
            lines = self._with_key(provider, asked)
            if encoding is not None:
                lines = replaced(lines, b"accept-encoding", encoding)
            known = asked.upstream[place] = SameLines(lines)
        return known

    def _with_key(self, provider: str, asked: Asked) -> Lines:
        key = self.keys.get(provider)
        if key is None or asked.observed:
            return asked.forwarded
        lines = [line for line in asked.forwarded if line[0] not in (b"authorization", b"x-api-key")]
        if provider == "anthropic" and not asked.bearer:
            return [*lines, (b"x-api-key", key)]
        return [*lines, (b"authorization", b"Bearer " + key)]
