"""What a group of calls would have been billed with other cache markers: the recorded prompts through the cache rules.

Prompts keep their recorded tokens, times and answers; only where markers stand and how long entries live is changed.
A response's first byte is when its writer's entries become readable (provider-semantics 1.4 rule 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from penstock.audit.gather import AuditInput
from penstock.audit.row import CallRow
from penstock.cachemodel.admission import Rejected, Split
from penstock.cachemodel.machine import CacheState, admit, begin
from penstock.cachemodel.prompt import Block, Prompt
from penstock.models.prices import Prices, prices_of
from penstock.money import Picodollars
from penstock.unknown import Unknown

MOST_CALLS = 5_000
"""Of a group, the what-if runs over its first so many calls with a time; the share is stated where it matters."""


class Case(msgspec.Struct, frozen=True):
    """A recorded call and the prompt that it is tried with."""

    row: CallRow
    prompt: Prompt


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What the prompts of some calls cost.

    Attributes:
        dollars: the input side, in picodollars.
        calls: calls in it.
        split: the tokens by how they were billed.
        rejected: calls that the provider would have refused.
    """

    dollars: Picodollars
    calls: int
    split: Split
    rejected: int = 0


def usable(rows: Iterable[CallRow]) -> list[CallRow]:
    """Calls that the cache rules can be run over: with a time, a readable prompt, usage, and prices."""
    found = []
    for row in rows:
        if row.ts is not None and row.shape is not None and row.leaf >= 0 and row.usage is not None and not row.failed:
            prices = prices_at(row)
            if not isinstance(prices, Unknown) and not isinstance(prices.input, Unknown):
                found.append(row)
                if len(found) >= MOST_CALLS:
                    break
    return found


def prices_at(row: CallRow) -> Prices | Unknown:
    """The prices of a call with a time and usage."""
    if row.ts is None or row.usage is None:
        return Unknown("no time or no usage")
    return prices_of(
        row.model, at=datetime.fromtimestamp(row.ts, UTC), prompt_tokens=row.usage.input_total, tier=row.tier
    )


def recorded_input(rows: Sequence[CallRow]) -> Picodollars | Unknown:
    """What the prompts of the calls cost as they were billed."""
    total = 0
    for row in rows:
        prices = prices_at(row)
        if isinstance(prices, Unknown) or row.usage is None:
            return Unknown("a call of the group has no price")
        usage = row.usage
        split = Split(
            plain=usage.input_uncached,
            read=usage.cache_read,
            write_5m=usage.cache_write_5m,
            write_1h=usage.cache_write_1h,
            write_30m=usage.cache_write_30m,
            write_12h=usage.cache_write_12h,
        )
        cost = input_cost(split, prices)
        if isinstance(cost, Unknown):
            return cost
        total += cost
    return Picodollars(total)


def cases_of(data: AuditInput, rows: Iterable[CallRow]) -> list[Case]:
    """The calls with their prompts as the client sent them; rows whose model has no known cache rules are left out."""
    return [Case(row, _prompt(data, row, row.shape)) for row in rows if row.shape is not None]


def _prompt(data: AuditInput, row: CallRow, shape: Prompt) -> Prompt:
    markers = dict(row.markers)
    nodes = data.tree.nodes
    blocks = tuple(
        Block(
            id=nodes[node].digest,
            tokens=tokens,
            level=nodes[node].level,
            kind=nodes[node].kind,
            role=nodes[node].role,
            message=nodes[node].message,
            marker=markers.get(depth),
            ends_message=nodes[node].ends_message,
            markable=nodes[node].markable,
        )
        for depth, (node, tokens) in enumerate(zip(data.tree.chain(row.leaf), data.tokens(row), strict=True))
    )
    return msgspec.structs.replace(shape, blocks=blocks)


def bill(cases: Sequence[Case]) -> Bill | Unknown:
    """The input side of the bill of some calls, which stand in the order of time, if they had been sent like that."""
    state = CacheState()
    dollars = rejected = 0
    sums = [0] * 6
    for case in cases:
        prices = prices_at(case.row)
        if isinstance(prices, Unknown):
            return prices
        at = case.row.ts or 0.0
        try:
            admission = admit(state, case.prompt, at)
        except Rejected:
            rejected += 1
            continue
        begin(state, admission, at + case.row.ttft_s)
        split = admission.split
        cost = input_cost(split, prices)
        if isinstance(cost, Unknown):
            return cost
        dollars += cost
        parts = (split.plain, split.read, split.write_5m, split.write_1h, split.write_30m, split.write_12h)
        sums = [a + b for a, b in zip(sums, parts, strict=True)]
    total = Split(plain=sums[0], read=sums[1], write_5m=sums[2], write_1h=sums[3], write_30m=sums[4], write_12h=sums[5])
    return Bill(dollars=Picodollars(dollars), calls=len(cases), split=total, rejected=rejected)


def input_cost(split: Split, prices: Prices) -> Picodollars | Unknown:
    """The price of a split; Unknown when a part that holds something has no price."""
    total = 0
    for tokens, rate in (
        (split.plain, prices.input),
        (split.read, prices.cache_read),
        (split.write_5m, prices.cache_write_5m),
        (split.write_1h, prices.cache_write_1h),
        (split.write_30m, prices.cache_write_30m),
        (split.write_12h, prices.cache_write_12h),
    ):
        if tokens:
            if isinstance(rate, Unknown):
                return rate
            total += tokens * rate
    return Picodollars(total)
