"""Short, simple answers from a large model: would a small one do? A question for the quality gate, never a promise.

Dollars: the same traffic at the small model's list prices of today, its tokens scaled by the tokenizers'
known factors (T16), with the caching that the calls already had.

Fix: ``gate = { candidate = "..." }``: the small model answers callers once it has earned the task.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.gating import gate_of
from penstock.audit.row import CallRow
from penstock.models.catalog import known_models, profile_of
from penstock.models.prices import Prices, cost_of, prices_of
from penstock.models.profile import Profile
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.usage import Basis, Usage

KINDS = {"small_model": "a small model may do"}

SHORT_ANSWER = 200
"""Mean output tokens up to which a task counts as short."""

CHEAPER = 4
"""A small model costs at most one part in so many, prompt and answer."""

_FEWEST = 20


def find(data: AuditInput) -> list[Finding]:
    """One question for each task of short answers on a model that has a much cheaper sibling."""
    found = []
    for group in data.groups.values():
        rows = [row for row in group.rows if row.usage is not None and not row.failed]
        if len(rows) < _FEWEST or any(row.tool_calls for row in rows):
            continue
        small = _sibling(group.model, rows, data.priced_at) if _mean_output(rows) <= SHORT_ANSWER else None
        if small is not None:
            found.append(_question(data, group, rows, small))
    return found


def _mean_output(rows: list[CallRow]) -> float:
    return sum(row.usage.output for row in rows if row.usage is not None) / len(rows)


def _sibling(model: str, rows: list[CallRow], today: datetime) -> Profile | None:
    """The newest model of the provider that is on sale today, much cheaper, and takes the prompts."""
    profile = profile_of(model)
    own = prices_of(model, at=today, prompt_tokens=0)
    if isinstance(profile, Unknown) or isinstance(own, Unknown):
        return None
    longest = max(row.usage.input_total + row.usage.output for row in rows if row.usage is not None)
    best: Profile | None = None
    for name in known_models():
        other = profile_of(name)
        if isinstance(other, Unknown) or other.provider != profile.provider or not _on_sale(other, today):
            continue
        fits = isinstance(other.context_window, Unknown) or other.context_window >= longest
        prices = prices_of(name, at=today, prompt_tokens=longest)
        if fits and not isinstance(prices, Unknown) and _much_cheaper(prices, own):
            best = other if best is None or _released(other) > _released(best) else best
    return best


def _on_sale(profile: Profile, today: datetime) -> bool:
    """Released on a known day, and not retired; a model of unknown age is not proposed."""
    day = today.date()
    return profile.released is not None and profile.released <= day and (not profile.retired or profile.retired > day)


def _released(profile: Profile) -> date:
    return profile.released or date.min


def _much_cheaper(small: Prices, large: Prices) -> bool:
    for mine, theirs in ((small.input, large.input), (small.output, large.output)):
        if isinstance(mine, Unknown) or isinstance(theirs, Unknown) or mine * CHEAPER > theirs:
            return False
    return True


def _question(data: AuditInput, group: Group, rows: list[CallRow], small: Profile) -> Finding:
    saving = _difference(rows, group.model, small, data.priced_at)
    mean = _mean_output(rows)
    return Finding(
        kind="small_model",
        task=group.task,
        model=group.model,
        title=f"Answers of {mean:,.0f} tokens on average: would {small.model} do?",
        detail=(
            f"The figure is the same traffic at {small.model}'s list prices of today. Whether its answers are as good "
            "is not known from a log; the quality gate finds out on shadowed calls before anything is switched."
        ),
        measure=Measure.QUESTION,
        pool=Pool.MODEL,
        dollars=saving,
        dollars_month=data.period.month(saving),
        basis=f"estimated: list prices of {small.model}, tokens scaled by the tokenizers' factors; {len(rows):,} calls",
        calls=len(rows),
        evidence={"candidate": small.model, "mean_output_tokens": round(mean, 1)},
        gated={"gate": gate_of(data, group, saving, candidate=small.model)},
    )


def _difference(rows: list[CallRow], model: str, small: Profile, today: datetime) -> Picodollars | Unknown:
    profile = profile_of(model)
    factor = small.tokenizer_factor / profile.tokenizer_factor if not isinstance(profile, Unknown) else 1.0
    total = 0
    for row in rows:
        if row.usage is None or isinstance(row.cost, Unknown):
            return Unknown("a call of the task has no price")
        usage = _scaled(row.usage, factor)
        prices = prices_of(small.model, at=today, prompt_tokens=usage.input_total, tier=row.tier)
        cost = prices if isinstance(prices, Unknown) else cost_of(usage, prices)
        if isinstance(cost, Unknown):
            return cost
        total += row.cost - cost
    return Picodollars(total)


def _scaled(usage: Usage, factor: float) -> Usage:
    """The usage in the small model's tokens; what was written to a cache of the large model's kind is plain input."""
    plain = usage.input_uncached + usage.cache_write
    return msgspec.structs.replace(
        usage,
        input_uncached=round(plain * factor),
        cache_read=round(usage.cache_read * factor),
        cache_write_5m=0,
        cache_write_1h=0,
        cache_write_30m=0,
        cache_write_12h=0,
        output=round(usage.output * factor),
        basis=Basis.ESTIMATED,
    )
