"""One pass over recorded calls into what the detectors look at: rows, one tree of prompts, lengths, samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec

from penstock.audit.period import Period
from penstock.audit.reading import ReadReport
from penstock.audit.retrieved import retrieved_shares
from penstock.audit.row import CallRow
from penstock.audit.samples import Samples
from penstock.audit.tokens import TokenBook
from penstock.audit.tree import ROOT, PrefixTree
from penstock.cachemodel.prompt import Prompt, prompt_of
from penstock.engine.facts import length_key
from penstock.engine.labels import SIMULATED
from penstock.errors import MalformedRequest
from penstock.evidence.lengths import LengthTable
from penstock.evidence.sites import Sites
from penstock.models.catalog import profile_of
from penstock.models.prices import price_call
from penstock.models.profile import Profile
from penstock.models.tiers import STANDARD, Tier, tier_of
from penstock.money import ZERO, Picodollars, from_usd
from penstock.unknown import Unknown
from penstock.wire.answer import Answer, read_answer
from penstock.wire.diagnostics import Diagnosis, diagnosis_of
from penstock.wire.dialect import Dialect
from penstock.wire.estimate import estimate_tokens
from penstock.wire.recorded import RecordedCall
from penstock.wire.view import View, read_request

UNREADABLE = "the request is not one of its API"
UNKNOWN_MODEL = "a model that is not in the price table"
UNPRICED = "no price"

_FAILED = 400
_MOST_MEMBERS = 20
_TIER_FIELDS = ("service_tier", "speed", "inference_geo")


class _Billed(msgspec.Struct):
    """What of a response says how it was billed."""

    usage: Any = None
    service_tier: Any = None
    speed: Any = None


_billed = msgspec.json.Decoder(_Billed)


class Group(msgspec.Struct, frozen=True):
    """The calls of one task to one model, in the order of time."""

    task: str
    model: str
    rows: list[CallRow]

    @property
    def answered(self) -> int:
        """Calls that did not fail."""
        return sum(not row.failed for row in self.rows)


class AuditInput:
    """What the detectors look at.

    Attributes:
        rows: calls in the order in which they were added.
        tree: their prompts.
        book: tokens of the prompts' segments.
        lengths: output lengths by task, model and effort.
        samples: a few bodies of each task.
        members: fingerprints of the prompts of each task without a label, the one that names it first.
        period: what the log covers; set it when reading is done.
        simulated: calls whose tag says that their answers are simulated.
        priced_at: today, as far as prices go: of calls without a time, and of models to change to.
        show_text: whether findings may show excerpts of prompts.
    """

    def __init__(
        self, *, fingerprint: Callable[[View], str], priced_at: datetime, report: ReadReport, show_text: bool = False
    ) -> None:
        """An empty input.

        Args:
            fingerprint: names the task of a request that has no label.
            priced_at: the day whose prices a call without a time gets.
            report: where problems with single calls are counted.
            show_text: whether findings may show excerpts of prompts.
        """
        self.show_text = show_text
        self.rows: list[CallRow] = []
        self.simulated = 0
        self.tree = PrefixTree()
        self.book = TokenBook(self.tree)
        self.lengths = LengthTable()
        self.samples = Samples()
        self.period = Period(None)
        self.members: dict[str, list[str]] = {}
        self._fingerprint = fingerprint
        self._sites = Sites()
        self.priced_at = priced_at
        self._report = report
        self._shapes: dict[tuple[Any, ...], Prompt] = {}

    def add(self, call: RecordedCall) -> CallRow:
        """Take one call in; its bodies are looked at and not kept, but for the task's sample."""
        view = self._view(call)
        answer = read_answer(call.dialect, call.response) if call.dialect and call.response else None
        label = call.tags.get("task")
        task = label or (self._site(view, call.ts) if view is not None else "")
        tier = _tier(call, view)
        at = datetime.fromtimestamp(call.ts, UTC) if call.ts is not None else self.priced_at
        failed = (call.status is not None and call.status >= _FAILED) or (call.usage is None and _is_error(answer))
        row = CallRow(
            ts=call.ts,
            task=task,
            labelled=label is not None,
            model=call.model,
            dialect=call.dialect,
            session=call.session,
            usage=call.usage,
            tier=tier,
            cost=self._cost(call, tier, at, failed=failed),
            priced_at_ts=call.ts is not None,
            reported=_reported(call.reported_cost_usd),
            failed=failed,
            status=call.status,
            finish=answer.finish if answer is not None and not failed else None,
            tool_calls=answer is not None and bool(answer.tool_calls),
            ttft_s=(call.ttft_ms if call.ttft_ms is not None else call.latency_ms or 0.0) / 1000,
            body_bytes=len(call.request) if call.request is not None else 0,
            batch=call.batch,
            diagnosis=_diagnosis(call),
            source=call.source,
        )
        if view is not None:
            self._prompt(row, view)
            self.samples.add(task, view.dialect, view.raw)
        if call.usage is not None and call.usage.output > 0 and view is not None and not failed:
            key = msgspec.structs.replace(length_key(task, view), model=call.model)
            self.lengths.add(key, call.usage.output, cut=row.finish == "length")
        self.rows.append(row)
        self.simulated += SIMULATED in call.tags
        return row

    @cached_property
    def groups(self) -> Mapping[tuple[str, str], Group]:
        """Calls by task and model; read it when all calls are in."""
        found: dict[tuple[str, str], Group] = {}
        for row in self.in_order:
            key = (row.task, row.model)
            group = found.get(key)
            if group is None:
                group = found[key] = Group(row.task, row.model, [])
            group.rows.append(row)
        return found

    @cached_property
    def in_order(self) -> list[CallRow]:
        """All rows by time."""
        return sorted(self.rows, key=lambda row: row.order)

    @cached_property
    def tasks(self) -> Mapping[str, list[CallRow]]:
        """Rows by task, in the order of time."""
        found: dict[str, list[CallRow]] = {}
        for row in self.in_order:
            found.setdefault(row.task, []).append(row)
        return found

    def tokens(self, row: CallRow) -> list[int]:
        """Tokens of each segment of a row's prompt; they sum to the reported total where there is one."""
        total = row.usage.input_total if row.usage is not None and row.usage.input_total > 0 else None
        return self.book.tokens(family_of(row.model), self.tree.chain(row.leaf), total)

    def _site(self, view: View, ts: float | None) -> str:
        """The task of a request without a label: near-duplicate prompts are one, as in live traffic."""
        found = self._fingerprint(view)
        name = self._sites.name(found, view, ts or 0.0)
        members = self.members.setdefault(name, [name])
        if found not in members and len(members) < _MOST_MEMBERS:
            members.append(found)
        return name

    def _view(self, call: RecordedCall) -> View | None:
        if call.dialect is None or call.request is None:
            return None
        try:
            return read_request(call.dialect, call.request)
        except MalformedRequest:
            self._report.warn(UNREADABLE, call.source)
            return None

    def _prompt(self, row: CallRow, view: View) -> None:
        profile = profile_of(row.model) or profile_of(view.model)
        family = "" if isinstance(profile, Unknown) else profile.tokenizer
        segments = view.segments
        estimates = [estimate_tokens(segment, family) for segment in segments]
        row.leaf = self.tree.add(segments, estimates)
        row.retrieved = _retrieved(view, estimates, row)
        row.markers = tuple((index, s.marker.ttl) for index, s in enumerate(segments) if s.marker is not None)
        row.cap = view.cap[1] if view.cap is not None else None
        row.output_key = length_key("", view).effort
        row.structured = view.response_schema() is not None
        row.thinks = _thinks(view, profile)
        if isinstance(profile, Unknown):
            return
        shape = msgspec.structs.replace(prompt_of(view, profile, [0] * len(segments), batch=row.batch), blocks=())
        row.shape = self._interned(shape)
        self._learn(row, profile)

    def _interned(self, shape: Prompt) -> Prompt:
        values = msgspec.structs.astuple(shape)
        key = tuple(frozenset(value.items()) if isinstance(value, Mapping) else value for value in values)
        return self._shapes.setdefault(key, shape)

    def _learn(self, row: CallRow, profile: Profile) -> None:
        """Keep the totals that the usage states: the whole prompt, and the prefix that the cache counters cover."""
        usage = row.usage
        if usage is None or row.leaf == ROOT or row.failed:
            return
        self.book.learn(profile.tokenizer, row.leaf, usage.input_total)
        covered = usage.cache_read + usage.cache_write
        if row.markers and usage.cache_write and row.shape is not None and row.shape.automatic is None:
            marked = self.tree.ancestor(row.leaf, row.markers[-1][0])
            if marked is not None and covered < usage.input_total:
                self.book.learn(profile.tokenizer, marked, covered)

    def _cost(self, call: RecordedCall, tier: Tier, at: datetime, *, failed: bool) -> Picodollars | Unknown:
        if call.usage is None:
            # Both providers bill what they answered, not what they refused (provider-semantics 1.11, 2.5).
            return ZERO if failed else Unknown("no usage reported")
        cost = price_call(call.model, call.usage, at=at, tier=tier)
        if isinstance(cost, Unknown):
            known = not isinstance(profile_of(call.model), Unknown)
            self._report.warn(f"{UNPRICED}: {cost.why}" if known else UNKNOWN_MODEL, call.source)
        return cost


def gather(calls: Iterable[RecordedCall], into: AuditInput) -> AuditInput:
    """Take all calls in."""
    for call in calls:
        into.add(call)
    return into


def family_of(model: str) -> str:
    """The tokenizer family of a model; empty for one that is not in the table."""
    profile = profile_of(model)
    return "" if isinstance(profile, Unknown) else profile.tokenizer


def _diagnosis(call: RecordedCall) -> Diagnosis | None:
    if call.dialect is None or call.request is None or call.response is None or b"diagnostics" not in call.response:
        return None
    return diagnosis_of(call.dialect, call.request, call.response)


def _tier(call: RecordedCall, view: View | None) -> Tier:
    if call.dialect is None:
        return STANDARD
    asked = {name: view.get(name) for name in _TIER_FIELDS} if view is not None else {}
    answered: dict[str, Any] = {}
    if call.response is not None:
        try:
            billed = _billed.decode(call.response)
            answered = {"usage": billed.usage, "service_tier": billed.service_tier, "speed": billed.speed}
        except (msgspec.DecodeError, RecursionError):
            answered = {}
    return tier_of(call.dialect, asked, answered, batch=call.batch)


def _retrieved(view: View, estimates: list[float], row: CallRow) -> int:
    """Tokens of retrieved text: its estimated part of the reported prompt."""
    whole, part = sum(estimates), sum(a * b for a, b in zip(estimates, retrieved_shares(view), strict=True))
    total = row.usage.input_total if row.usage is not None else whole
    return round(total * part / whole) if whole else 0


def _reported(amount: str | None) -> Picodollars | None:
    try:
        return None if amount is None else from_usd(amount)
    except (ArithmeticError, ValueError):
        return None


def _is_error(answer: Answer | None) -> bool:
    return answer is not None and not answer.text and not answer.tool_calls and answer.finish == "other"


def _thinks(view: View, profile: Profile | Unknown) -> bool:
    if view.dialect is Dialect.ANTHROPIC_MESSAGES:
        kind = view.get("thinking", "type")
        if kind is None:
            return not isinstance(profile, Unknown) and profile.always_thinks
        return bool(kind != "disabled")
    effort = view.get("reasoning", "effort") or view.get("reasoning_effort")
    return effort != "none" and not isinstance(profile, Unknown) and profile.reasons
