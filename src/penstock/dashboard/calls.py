"""The page of calls, newest first, and the page of one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from penstock.engine.holdback import Arm
from penstock.engine.quote import Quote
from penstock.engine.record import Call
from penstock.ledger.runs import agreements_of, faults_of
from penstock.ledger.sqlite import Ledger
from penstock.models.prices import TABLE_VERSION, prices_of
from penstock.models.tiers import tier_labelled
from penstock.unknown import Unknown
from penstock.wire.usage import Basis, Usage

PAGE = 50
"""Calls of a page."""

ARMS: Mapping[Arm, str] = {
    "treated": "the edits below were sent",
    "holdback": "held back: the client's bytes were sent, and the edits below are what would have been done",
    "observe": "observed: the client's bytes were sent, and the edits below are what apply would do",
    "bypass": "the caller's request went as it came, and nothing was planned",
    "own": "no caller's call: what requests of ours cost that no call followed",
}
"""What became of a call's edits, by arm."""

_KINDS = {
    "input_uncached": "plain",
    "cache_read": "read from a cache",
    "cache_write_5m": "written for 5 minutes",
    "cache_write_1h": "written for 1 hour",
    "cache_write_30m": "written for 30 minutes",
    "cache_write_12h": "written for 12 hours",
    "output": "answer",
}


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list.

    Attributes:
        calls: newest first.
        task: that was asked for, or None; model: the same.
        tasks: that the ledger has; models: the same.
        before: the call that the page begins behind, or None for the first page.
        older: the id to give as ``before`` for the next page; None on the last one.
    """

    calls: tuple[Call, ...]
    task: str | None
    model: str | None
    tasks: tuple[str, ...]
    models: tuple[str, ...]
    before: str | None
    older: str | None


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one kind.

    Attributes:
        kind: in words.
        reported: by the provider; None when no usage was reported.
        foreseen: by the cache model; None where it foresaw nothing, and for the answer.
    """

    kind: str
    reported: int | None
    foreseen: int | None


class OneCall(msgspec.Struct, frozen=True, kw_only=True):
    """The page of a call.

    Attributes:
        call: the record.
        fate: what became of its edits.
        arithmetic: the answer's tokens at their prices, one line; None where no usage was reported.
        other_table: the version of the prices in that line, where it is not the one that the call was recorded with.
        buckets: tokens by kind, those that are nowhere left out.
        faults: what went wrong.
        agreements: what spoke for the answer.
    """

    call: Call
    fate: str
    arithmetic: str | None
    other_table: str | None
    buckets: tuple[Bucket, ...]
    faults: tuple[str, ...]
    agreements: tuple[str, ...]


def calls(ledger: Ledger, *, task: str | None = None, model: str | None = None, before: str | None = None) -> Calls:
    """A page of the list: calls of a task and a model, behind a call's id."""
    found = ledger.page(PAGE + 1, before=before, task=task, model=model)
    shown = tuple(found[:PAGE])
    return Calls(
        calls=shown,
        task=task,
        model=model,
        tasks=_names(ledger, "task"),
        models=_names(ledger, "model"),
        before=before,
        older=shown[-1].id if len(found) > PAGE else None,
    )


def one_call(call: Call) -> OneCall:
    """The page of a call."""
    return OneCall(
        call=call,
        fate=ARMS[call.arm],
        arithmetic=None if call.usage is None else _arithmetic(call, call.usage),
        other_table=None if call.price_table in ("", TABLE_VERSION) else TABLE_VERSION,
        buckets=tuple(_buckets(call.usage, call.predicted)),
        faults=faults_of(call),
        agreements=agreements_of(call),
    )


def _names(ledger: Ledger, column: str) -> tuple[str, ...]:
    return tuple(sorted(str(total.group[0]) for total in ledger.totals((column,))))


def _arithmetic(call: Call, usage: Usage) -> str:
    """The usage at the prices of the call's day, as a plan says it."""
    tier = tier_labelled(call.tier)
    at = datetime.fromtimestamp(call.started_at, UTC)
    prices = (
        Unknown(f"the tier {call.tier} is not known")
        if tier is None
        else prices_of(call.model_sent, at=at, prompt_tokens=usage.input_total, tier=tier)
    )
    return Quote(
        model=call.model_sent, usage=usage, prices=prices, output_known=True, basis=Basis.PROVIDER
    ).arithmetic()


def _buckets(reported: Usage | None, foreseen: Usage | None) -> Iterator[Bucket]:
    for name, kind in _KINDS.items():
        said = None if reported is None else getattr(reported, name)
        expected = None if foreseen is None or name == "output" else getattr(foreseen, name)
        if said or expected:
            yield Bucket(kind=kind, reported=said, foreseen=expected)
