"""``Penstock``: official SDK clients that plan, record and price each call in this process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import httpx2

from penstock.client import labelling
from penstock.client.core import Core
from penstock.client.transport import AsyncPenstockTransport, PenstockTransport
from penstock.engine.context import EngineContext
from penstock.engine.record import Call
from penstock.errors import UsageError
from penstock.evidence.store import Evidence
from penstock.grading.graders import check_graders
from penstock.learning.start import learner_for
from penstock.ledger.books import Books
from penstock.ledger.evidencekeeper import EvidenceKeeper, UnderLock
from penstock.ledger.gatekeeper import GateKeeper
from penstock.ledger.ids import call_ids
from penstock.policy.schema import Policy
from penstock.settings import read_policy

if TYPE_CHECKING:
    from anthropic import Anthropic, AsyncAnthropic
    from openai import AsyncOpenAI, OpenAI


class Penstock:
    """Gives out ordinary SDK clients whose calls go through the engine.

        penstock = Penstock("penstock.toml", ledger="calls.db")
        client = penstock.anthropic()
        with penstock.task("triage"):
            client.messages.create(...)

    Args:
        policy: a policy, the path of one, or None for the one that ``penstock config show`` finds.
        ledger: the file that keeps the record of each call, or None.
        record: the file that keeps full traffic, prompts included, or None.
        openai_base_url: in place of the SDK's own.
        anthropic_base_url: the same.
        clock: seconds since the epoch.
        ids: makes the next call's id.
        evidence: what was learnt before, to which the ledger's is added; None starts with the ledger's.
        spans: whether each call's span goes to a collector, by OpenTelemetry's GenAI conventions, where
            ``OTEL_EXPORTER_OTLP_ENDPOINT`` names one. It is a child of the span that your code runs in, and holds
            names, counts and money, never prompt text.
        context: an engine context to share; None makes one from policy and evidence.
        transport: makes the transport that a sync client sends with; None for the network.
        async_transport: the same for async clients.

    Raises:
        PolicyError: the policy is wrong.
        UsageError: a grader of the policy cannot be imported, what it needs is not installed, or the collector's
            address is wrong.
        InputError: a file cannot be opened.
    """

    def __init__(
        self,
        policy: Policy | str | Path | None = None,
        *,
        ledger: str | Path | None = None,
        record: str | Path | None = None,
        openai_base_url: str | None = None,
        anthropic_base_url: str | None = None,
        clock: Callable[[], float] = time.time,
        ids: Callable[[], str] | None = None,
        evidence: Evidence | None = None,
        spans: bool = False,
        context: EngineContext | None = None,
        transport: Callable[[], httpx2.BaseTransport] = httpx2.HTTPTransport,
        async_transport: Callable[[], httpx2.AsyncBaseTransport] = httpx2.AsyncHTTPTransport,
    ) -> None:
        resolved = policy if isinstance(policy, Policy) else read_policy(policy)
        check_graders(resolved)
        exported = import_module("penstock.client.spans").spans_of(os.environ) if spans else None
        self._books = Books(ledger=ledger, record=record)
        ids = ids if ids is not None else call_ids(clock)
        writer, lock = call_ids(clock)(), RLock()
        self._learnt = (
            None if ledger is None else EvidenceKeeper(ledger, clock=clock, writer=writer, carry=UnderLock(lock))
        )
        if context is None:
            kept = evidence if evidence is not None or self._learnt is None else self._learnt.evidence
            context = EngineContext(resolved, evidence=kept)
        self._context = context
        if self._learnt is not None:
            self._learnt.begin(context.evidence, context.failures)
            self._books.heard.append(self._learnt.heard)
        self._core = Core(self._context, self._books, clock=clock, ids=ids, spans=exported, lock=lock)
        gates = self._context.gates
        self._gates = None if ledger is None else GateKeeper(gates, ledger, clock=clock, writer=writer)
        self._learner = learner_for(resolved, self._context, self._books.ledger_path)
        self._base_urls = {
            "openai": openai_base_url or _base_url(resolved, "openai"),
            "anthropic": anthropic_base_url or _base_url(resolved, "anthropic"),
        }
        self._transport = transport
        self._async_transport = async_transport

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def openai(self, **arguments: Any) -> OpenAI:
        """An ``openai.OpenAI``; arguments are the SDK's own, except ``http_client``."""
        client: OpenAI = _sdk("openai").OpenAI(**self._sync("openai", arguments))
        return client

    def async_openai(self, **arguments: Any) -> AsyncOpenAI:
        """An ``openai.AsyncOpenAI``."""
        client: AsyncOpenAI = _sdk("openai").AsyncOpenAI(**self._async("openai", arguments))
        return client

    def anthropic(self, **arguments: Any) -> Anthropic:
        """An ``anthropic.Anthropic``; arguments are the SDK's own, except ``http_client``."""
        client: Anthropic = _sdk("anthropic").Anthropic(**self._sync("anthropic", arguments))
        return client

    def async_anthropic(self, **arguments: Any) -> AsyncAnthropic:
        """An ``anthropic.AsyncAnthropic``."""
        client: AsyncAnthropic = _sdk("anthropic").AsyncAnthropic(**self._async("anthropic", arguments))
        return client

    def task(
        self, name: str, *, session: str | None = None, tags: dict[str, str] | None = None
    ) -> AbstractContextManager[None]:
        """Label the calls made inside with what they are for; a context manager and a decorator."""
        return labelling.task(name, session=session, tags=tags)

    def pipeline(self, name: str, *, trace: str | None = None) -> AbstractContextManager[str]:
        """Label the calls made inside as one run of a pipeline; gives the run's key."""
        return labelling.pipeline(name, trace=trace)

    def bypass(self) -> AbstractContextManager[None]:
        """Turn Penstock off for the calls made inside; they are still recorded."""
        return labelling.bypass()

    @property
    def calls(self) -> list[Call]:
        """The newest finished calls (a thousand at most), oldest first."""
        return list(self._books.recent)

    @property
    def context(self) -> EngineContext:
        """The engine's context: the policy in force and what was learnt."""
        return self._context

    def close(self) -> bool:
        """Write what waits and close the files; False when something could not be written. Clients stay usable.

        Spans that no collector took in time are lost with it, which counts as not written.
        """
        for closing in self._core.closing:
            closing()
        if self._learner is not None:
            self._learner.close()
        with self._core.lock:
            gates_kept = self._gates is None or self._gates.close()
            learnt_kept = self._learnt is None or self._learnt.close()
        sent = self._core.spans is None or self._core.spans.close()
        return self._books.close() and gates_kept and learnt_kept and sent

    def _sync(self, provider: str, arguments: dict[str, Any]) -> dict[str, Any]:
        transport = PenstockTransport(self._core, self._transport())
        return self._with_client(provider, arguments, "DefaultHttpxClient", transport)

    def _async(self, provider: str, arguments: dict[str, Any]) -> dict[str, Any]:
        transport = AsyncPenstockTransport(self._core, self._async_transport())
        return self._with_client(provider, arguments, "DefaultAsyncHttpxClient", transport)

    def _with_client(self, provider: str, arguments: dict[str, Any], kind: str, transport: object) -> dict[str, Any]:
        if "http_client" in arguments:
            raise UsageError(
                "http_client is Penstock's own", hint="give Penstock(transport=...) what shall stand below it"
            )
        base_url = self._base_urls[provider]
        if base_url is not None:
            arguments = {"base_url": base_url, **arguments}
        return {**arguments, "http_client": getattr(_sdk(provider), kind)(transport=transport)}


def _base_url(policy: Policy, provider: str) -> str | None:
    """The policy's upstream as the SDK wants it: OpenAI's with ``/v1``, Anthropic's without."""
    upstream = policy.upstream.get(provider)
    if upstream is None or upstream.base_url is None:
        return None
    base = upstream.base_url.rstrip("/").removesuffix("/v1")
    return f"{base}/v1" if provider == "openai" else base


def _sdk(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UsageError(f"the {name} SDK is not installed", hint="pip install 'penstock[sdk]'") from None
