"""From a ledger to the proof: which calls count, what they cost, and what was projected for them.

The covariate is the size of the client's request at its own model's input price: it is known before anything is done
to the call and made alike in both arms, which the ledger's ``cost_before`` is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from penstock.engine.labels import SIMULATED
from penstock.engine.record import Call
from penstock.engine.standing_down import StandDowns, StoodDown
from penstock.evidence.proof import HOLDBACK, SMALL_TASKS, TREATED, NotEnough, Proof, Sample, prove
from penstock.models.prices import prices_of
from penstock.money import Picodollars
from penstock.unknown import Unknown

_UNEVEN = 0.02  # a share of calls without a cost that differs by more than this between the arms is worth a word
_SPILL = 0.01  # of the held-back calls' cost
_LAST_ERROR = 400


class Projected(msgspec.Struct, frozen=True):
    """What the ledger's own arithmetic says of the treated calls of the tasks that the proof compares.

    Attributes:
        saving: share of what they would have cost, tasks weighed as in the proof; None when nothing is known.
        saved: picodollars.
        calls: treated calls with both figures.
        basis: in a few words.
    """

    saving: float | None
    saved: Picodollars
    calls: int
    basis: str = "derived: each treated call's cost as the client sent it, by the cache rules, less what it cost"


class Realised(msgspec.Struct, frozen=True, kw_only=True):
    """The proof beside the projection.

    Attributes:
        proof: over all tasks.
        by_task: each task by itself; its intervals hold one by one, not all together.
        projected: what was derived for the treated calls.
        left_out: calls in no figure, by reason.
        warnings: what makes the figures less sure beyond what the proof says itself.
        first: start of the first call that counts, seconds since the epoch.
        last: start of the last.
        price_tables: the versions of the prices that the ledger was written with.
        stood_down: why levers did something else than act in treated calls, by task, the most frequent first.
        calls: of callers, in the proof or not.
        simulated: of which with simulated answers.
    """

    proof: Proof | NotEnough
    by_task: dict[str, Proof | NotEnough]
    projected: Projected
    left_out: dict[str, int]
    warnings: tuple[str, ...]
    first: float | None
    last: float | None
    price_tables: tuple[str, ...]
    stood_down: tuple[StoodDown, ...] = ()
    calls: int = 0
    simulated: int = 0


class Derived(msgspec.Struct):
    """Of one task's treated calls with both figures: their number, and what they would have cost and did."""

    calls: int = 0
    before: int = 0
    after: int = 0


class Collected(msgspec.Struct):
    """A ledger's calls summed up for the proof."""

    sample: Sample = msgspec.field(default_factory=Sample)
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    arms: Counter[str] = msgspec.field(default_factory=Counter)
    unpriced: Counter[str] = msgspec.field(default_factory=Counter)
    derived: dict[str, Derived] = msgspec.field(default_factory=dict)
    own_spend_on_holdback: int = 0
    held_back: Derived = msgspec.field(default_factory=Derived)
    first: float | None = None
    last: float | None = None
    tables: set[str] = msgspec.field(default_factory=set)
    alarms: dict[str, tuple[int, str]] = msgspec.field(default_factory=dict)
    stood_down: StandDowns = msgspec.field(default_factory=StandDowns)
    calls: int = 0
    simulated: int = 0


def realised(calls: Iterable[Call], *, level: float = 0.95, anytime: bool = False, by_task: bool = False) -> Realised:
    """The proof of a ledger's calls. ``calls`` in any order."""
    found = collect(calls)
    sample = found.sample
    tasks = sample.tasks if by_task else ()
    proof = prove(sample, level=level, anytime=anytime)
    return Realised(
        proof=proof,
        by_task={task: prove(sample.only(task), level=level, anytime=anytime) for task in tasks},
        projected=_projected(found, proof),
        left_out=dict(found.left_out),
        warnings=(*_warnings(found), *_drifted(found)),
        first=found.first,
        last=found.last,
        price_tables=tuple(sorted(found.tables)),
        stood_down=tuple(found.stood_down.ranked()),
        calls=found.calls,
        simulated=found.simulated,
    )


def collect(calls: Iterable[Call]) -> Collected:
    """Sum up the calls that count; the others are counted by reason."""
    found = Collected()
    for call in calls:
        found.calls += call.arm != "own"
        found.simulated += SIMULATED in call.tags
        if call.alarm:
            found.alarms[call.model_sent] = (found.alarms.get(call.model_sent, (0, ""))[0] + 1, call.alarm)
        if call.arm not in (TREATED, HOLDBACK):
            found.left_out[f"arm {call.arm}: not part of the draw"] += 1
            continue
        found.arms[call.arm] += 1
        if call.arm == TREATED:
            found.stood_down.add(call.task, call.notes, call.started_at)
        cost = _cost(call, found)
        if cost is None:
            failed = call.error_kind is not None or (call.status is not None and call.status >= _LAST_ERROR)
            found.unpriced[call.arm] += 1
            found.left_out["failed, and not billed" if failed else "no known cost"] += 1
            continue
        found.sample.add(
            arm=call.arm,
            task=call.task,
            session=f"session {call.session}" if call.session is not None else f"call {call.id}",
            cost=cost,
            covariate=covariate(call),
        )
        if call.cost_before is not None:
            derived = found.derived.setdefault(call.task, Derived()) if call.arm == TREATED else found.held_back
            derived.calls += 1
            derived.before += call.cost_before
            derived.after += cost
        found.first = call.started_at if found.first is None else min(found.first, call.started_at)
        found.last = call.started_at if found.last is None else max(found.last, call.started_at)
        if call.price_table:
            found.tables.add(call.price_table)
    return found


def _projected(found: Collected, proof: Proof | NotEnough) -> Projected:
    """The derived saving of the tasks that are compared, each weighed by its calls in both arms, as the proof does."""
    compared = set(proof.tasks) if isinstance(proof, Proof) else set()
    before = after = 0.0
    chosen = []
    for task, derived in found.derived.items():
        if not compared or task in compared or SMALL_TASKS in compared:
            calls = sum(one[0] for arm in found.sample.sums.values() for one in arm.get(task, {}).values())
            before += calls * derived.before / derived.calls
            after += calls * derived.after / derived.calls
            chosen.append(derived)
    return Projected(
        saving=1 - after / before if before else None,
        saved=Picodollars(sum(one.before - one.after for one in chosen)),
        calls=sum(one.calls for one in chosen),
    )


def covariate(call: Call) -> int | None:
    """The client's request at its own model's plain input price, in picodollars per byte instead of per token."""
    at = datetime.fromtimestamp(call.started_at, UTC)
    prices = prices_of(call.model_asked, at=at, prompt_tokens=0)
    if isinstance(prices, Unknown) or isinstance(prices.input, Unknown):
        return None
    return call.request_bytes * prices.input


def _cost(call: Call, found: Collected) -> Picodollars | None:
    """What a call cost: under treatment with all that was spent for it, held back with the answer alone.

    What Penstock spends on a held-back call (a shadow) is its own and is no part of what the client would have paid.
    """
    if call.arm == TREATED:
        return call.cost_all
    if call.cost is not None and call.cost_all is not None:
        found.own_spend_on_holdback += call.cost_all - call.cost
    return call.cost


def _warnings(found: Collected) -> Iterable[str]:
    shares = {arm: _share(found.unpriced, found.arms, arm) for arm in (TREATED, HOLDBACK)}
    if abs(shares[TREATED] - shares[HOLDBACK]) > _UNEVEN:
        yield (
            f"{shares[TREATED]:.1%} of treated and {shares[HOLDBACK]:.1%} of held-back calls have no cost; "
            "leaving them out may favour one side"
        )
    held = found.held_back
    if held.before and 1 - held.after / held.before > _SPILL:
        yield (
            f"held-back calls cost {1 - held.after / held.before:.1%} less than they would have alone: they read what "
            "treated calls had put into the cache, so the realised saving is understated"
        )
    if found.own_spend_on_holdback:
        spent = found.own_spend_on_holdback / 1e12
        yield f"${spent:,.4f} that Penstock spent on held-back calls itself (shadows) is in neither arm"


def _drifted(found: Collected) -> Iterable[str]:
    for count, why in found.alarms.values():
        yield f"projections are less sure, since {why} ({count:,} alarms)"


def _share(part: Mapping[str, int], whole: Mapping[str, int], arm: str) -> float:
    return part[arm] / whole[arm] if whole[arm] else 0.0
