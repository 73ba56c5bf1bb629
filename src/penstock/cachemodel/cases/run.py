"""Running a file of worked cases against the cache rules and the price table.

A cache case is a short story: requests with start times and the times at which their responses begin, on an empty
cache. Each request's billing split and prompt price, or its refusal, is compared with what the case expects. A case
that says something for which there is no rule here fails with that as its reason; nothing in a file stops the run.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from penstock.cachemodel.cases import anthropic, openai
from penstock.cachemodel.cases.fields import CaseError, Fields
from penstock.cachemodel.machine import Admission, CacheState, Decisions, Rejected, admit, begin
from penstock.cachemodel.prompt import Prompt
from penstock.models.catalog import profile_of
from penstock.models.prices import price_call
from penstock.models.profile import Profile
from penstock.models.tiers import Tier
from penstock.money import Picodollars, usd
from penstock.unknown import Unknown

ABOUT = ("provider", "ruleset", "justification", "sources", "confidence", "response_ends_s")


class Mismatch(msgspec.Struct, frozen=True):
    """One thing that came out otherwise than expected.

    Attributes:
        where: ``request 2`` or ``cost``.
        what: the figure, or empty when the case could not be run.
        expected: what the case says, as text.
        got: what the rules say, as text.
    """

    where: str
    what: str
    expected: str
    got: str


class Outcome(msgspec.Struct, frozen=True):
    """One case, run.

    Attributes:
        id: the case's id, or its place in the file.
        title: the case's title.
        mismatches: empty when it passed.
    """

    id: str
    title: str
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        """Whether everything came out as expected."""
        return not self.mismatches


class Request(msgspec.Struct, frozen=True):
    """One request of a case, read."""

    number: int
    starts: float
    begins: float | None
    model: str
    prompt: Prompt
    tier: Tier
    expected: Mapping[str, Any] | None
    refusal: Mapping[str, Any] | None


def run_case(case: Any, number: int, at: datetime, decisions: Decisions) -> Outcome:
    """One cache case; ``at`` is the date of its prices."""
    name, title = _label(case, number)
    try:
        requests = _read(case)
    except CaseError as error:
        return unrunnable(name, title, str(error))
    except RecursionError:
        return unrunnable(name, title, "nested too deep")
    state = CacheState(decisions)
    pending: list[tuple[float, int, Admission]] = []
    mismatches: list[Mismatch] = []
    for request in sorted(requests, key=lambda request: (request.starts, request.number)):
        while pending and pending[0][0] <= request.starts:
            begins, _, admission = heapq.heappop(pending)
            begin(state, admission, begins)
        found = _run(state, request, at, mismatches)
        if found is not None and request.begins is not None:
            heapq.heappush(pending, (request.begins, request.number, found))
    return Outcome(name, title, tuple(mismatches))


def unrunnable(name: str, title: str, why: str) -> Outcome:
    """The outcome of a case that says something we have no rule for."""
    return Outcome(name, title, (Mismatch("case", "", "a case that can be run", why),))


def _label(case: Any, number: int) -> tuple[str, str]:
    fields = case if isinstance(case, Mapping) else {}
    return str(fields.get("id", f"case {number}")), str(fields.get("title", ""))


def _read(case: Any) -> list[Request]:
    fields = Fields(case, "case")
    model = fields.text("model") or ""
    minimum = fields.count("min_cacheable_tokens")
    shared = _mapping(fields.take("params")) | _mapping(fields.take("assumptions"))
    hidden = fields.count("hidden_system_tokens")
    if hidden is not None:
        shared["hidden_system_tokens"] = hidden
    requests = fields.objects("requests")
    fields.finish("id", *ABOUT)
    if not requests:
        raise CaseError("the case has no requests")
    return [_request(request, number, model, minimum, shared) for number, request in enumerate(requests, 1)]


def _mapping(value: Any) -> dict[str, Any]:
    """Settings as an object; CaseError on anything else, absent is empty."""
    if not isinstance(value, Mapping | None):
        raise CaseError("params is not an object")
    return dict(value or {})


def _request(request: Fields, number: int, model: str, minimum: int | None, shared: Mapping[str, Any]) -> Request:
    starts = request.seconds("t_start_s")
    if starts is None:
        raise CaseError(f"request {number} has no t_start_s")
    # null says that no response ever began; leaving it out says nothing of interest happened in between
    begins = request.seconds("response_begins_s") if request.has("response_begins_s") else starts
    params = Fields({**shared, **_mapping(request.take("params"))}, f"request {number}, params")
    asked = params.text("model") or request.text("model") or model
    profile = profile_of(asked)
    if isinstance(profile, Unknown):
        raise CaseError(profile.why)
    expected, refusal = request.take("expected"), request.take("expected_error")
    if not all(isinstance(wish, Mapping | None) for wish in (expected, refusal)) or expected is refusal:
        raise CaseError(f"request {number} has no expectation that can be compared")
    reader = anthropic.read if profile.provider == "anthropic" else openai.read
    prompt, tier = reader(request, params, profile, _minimum(profile, minimum if asked == model else None))
    request.finish("response_ends_s")
    return Request(number, starts, begins, asked, prompt, tier, expected, refusal)


def _minimum(profile: Profile, given: int | None) -> int:
    if given is not None:
        return given
    if isinstance(profile.minimum_prefix, Unknown):
        raise CaseError(profile.minimum_prefix.why)
    return profile.minimum_prefix


def _run(state: CacheState, request: Request, at: datetime, mismatches: list[Mismatch]) -> Admission | None:
    where = f"request {request.number}"
    try:
        admission = admit(state, request.prompt, request.starts)
    except Rejected as refusal:
        mismatches += _compare_refusal(where, request, refusal)
        return None
    if request.refusal is not None:
        mismatches.append(Mismatch(where, "refusal", f"HTTP {request.refusal.get('http_status')}", "accepted"))
    elif request.expected is not None:
        mismatches += _compare(where, request, admission, at)
    return admission


def _compare_refusal(where: str, request: Request, refusal: Rejected) -> list[Mismatch]:
    wanted = request.refusal
    if wanted is None:
        return [Mismatch(where, "refusal", "accepted", f"HTTP {refusal.status} {refusal}")]
    found = {"http_status": refusal.status, "error_type": refusal.kind}
    mismatches = [
        Mismatch(where, name, str(wanted[name]), str(value))
        for name, value in found.items()
        if name in wanted and wanted[name] != value
    ]
    part = wanted.get("message_contains")
    if part is not None and str(part) not in str(refusal):
        mismatches.append(Mismatch(where, "message", f"contains {part!r}", str(refusal)))
    unknown = set(wanted) - {*found, "message_contains", "note", "notes"}
    return mismatches + [Mismatch(where, name, str(wanted[name]), "no rule for it") for name in sorted(unknown)]


def _compare(where: str, request: Request, admission: Admission, at: datetime) -> list[Mismatch]:
    split, cost = admission.split, price_call(request.model, admission.usage(), at=at, tier=request.tier)
    writes = split.write_5m + split.write_1h + split.write_30m + split.write_12h
    found: dict[str, int] = {
        "input_tokens": split.plain,
        "cache_write_5m": split.write_5m,
        "cache_write_1h": split.write_1h,
        "cache_creation_input_tokens": writes,
        "cache_read": split.read,
        "total_input_tokens": split.total,
        "cached": split.read,
        "cache_write": writes,
        "cache_write_30m": split.write_30m,
        "cache_write_12h": split.write_12h,
        "uncached_input": split.plain,
        "output_tokens": 0,
    }
    mismatches = []
    for name, wanted in (request.expected or {}).items():
        if name == "input_side_cost_usd":
            mismatches += compare_cost(where, name, wanted, cost)
        elif name not in found:
            mismatches.append(Mismatch(where, name, str(wanted), "no rule for it"))
        elif wanted != found[name]:
            mismatches.append(Mismatch(where, name, str(wanted), str(found[name])))
    return mismatches


def compare_cost(where: str, what: str, wanted: Any, cost: Picodollars | Unknown) -> list[Mismatch]:
    """An expected decimal in USD against an exact cost."""
    if isinstance(cost, Unknown):
        return [Mismatch(where, what, str(wanted), f"unknown: {cost.why}")]
    got = Decimal(cost).scaleb(-12)
    try:
        same = Decimal(str(wanted)) == got
    except InvalidOperation:
        same = False
    return [] if same else [Mismatch(where, what, str(wanted), str(usd(cost)))]
