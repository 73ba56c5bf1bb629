"""The provider's bill for a planned sequence of requests, by the cache rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from penstock.cachemodel.machine import Admission, CacheState, Decisions, Split, admit, begin
from penstock.cachemodel.prompt import prompt_of
from penstock.engine.edit import Edit
from penstock.engine.facts import counts_of
from penstock.evidence.store import Evidence
from penstock.levers.cache.chain import chain_of
from penstock.levers.cache.learn import learn_reuse
from penstock.levers.cache.propose import propose
from penstock.models.catalog import profile_of
from penstock.models.prices import price_call
from penstock.models.profile import Profile
from penstock.wire.body import Operation
from penstock.wire.usage import Usage
from penstock.wire.view import View, read_request
from tests.levers.cache.prompts import Traffic, view_of

CAREFUL = Decisions(tool_runs_are_one_position=False)
"""The careful reading of the look-back rule: every tool block is a position."""


class Billed(Traffic):
    """One task's calls, planned, sent to the cache rules, billed, and learnt from as the usage says.

    Attributes:
        paid: the prompts' price so far, picodollars.
        plain: what they would have cost without any cache, picodollars.
        untouched: what they would have cost as the client sent them, picodollars.
        body: as it was sent last.
    """

    def __init__(self, policy: str = "", task: str = "contracts", decisions: Decisions = CAREFUL) -> None:
        super().__init__(policy, task)
        self._state = CacheState(decisions)
        self._other = CacheState(decisions)
        self.paid = self.plain = self.untouched = 0
        self.body: dict[str, Any] = {}

    def pay(self, body: dict[str, Any], after: float = 10.0, scope: str = "") -> Split:
        """Plan, send and learn from a request, and let time pass; how its prompt was billed."""
        client = view_of(body)
        sent = self.sent_view(body, scope)
        self.body = json.loads(sent.raw)
        bill = self._admitted(self._state, sent, scope)
        self.paid += self._price(sent, bill.usage())
        self.untouched += self._price(client, self._admitted(self._other, client, scope).usage())
        self.plain += self._price(sent, Usage(input_uncached=bill.split.total))
        learn_reuse(
            self.evidence.reuse,
            sent,
            tokens_of(sent),
            profile(sent),
            task=self.task,
            scope=scope,
            at=self.at,
            usage=bill.usage(),
        )
        self.at += after
        return bill.split

    def sent_view(self, body: dict[str, Any], scope: str = "") -> View:
        """A body as it would be sent now."""
        client = view_of(body)
        return read_request(client.dialect, self.planned_bytes(client, scope))

    def planned_bytes(self, view: View, scope: str = "") -> bytes:
        """A view's bytes after the lever's edits."""
        edits = [edit for edit in propose(view, self.facts(view, scope=scope)) if isinstance(edit, Edit)]
        return view.apply([Operation(edit.path, edit.action.value, edit.value) for edit in edits])

    def known_entry(self, body: dict[str, Any], scope: str = "") -> int:
        """Tokens of the live entry that the evidence knows for a body now."""
        view = view_of(body)
        chain = chain_of(view, tokens_of(view), profile(view), scope)
        sighting = self.evidence.reuse.look(chain, self.at)
        return 0 if sighting is None else chain.upto(sighting.entry)

    def _admitted(self, state: CacheState, view: View, scope: str) -> Admission:
        admission = admit(state, prompt_of(view, profile(view), tokens_of(view), scope=scope), self.at)
        begin(state, admission, self.at + 1.0)
        return admission

    def _price(self, view: View, usage: Usage) -> int:
        price = price_call(view.model, usage, at=datetime.fromtimestamp(self.at, UTC))
        assert isinstance(price, int), price
        return price


def tokens_of(view: View) -> list[int]:
    """The counts that planner and provider agree on here."""
    return list(counts_of(view, profile_of(view.model), Evidence()).tokens)


def profile(view: View) -> Profile:
    """Of a model that is known."""
    found = profile_of(view.model)
    assert isinstance(found, Profile)
    return found
