"""What Penstock saved, from its own randomised holdback: treated calls against calls that went as the client sent them.

The estimand is the saving of a call on the traffic that was seen,

    saving = 1 - M_treated / M_holdback,    M_arm = sum over tasks of (the task's share of all calls) x (the arm's
                                                    mean cost of a call of that task)

Arms are drawn by session, so sessions are what is independent, and every variance is of session totals, never of
calls. A covariate narrows the interval: something known of the call before anything was done to it that goes along
with its cost. It must be made in the same way in both arms: a figure that is measured in one arm and derived in the
other would turn the proof into the derivation's own arithmetic, which is why the ledger's ``cost_before`` is none. Its
balance over the arms is tested. A covariate that treatment moves is not used, nor one that does not narrow the
interval, and the plain estimate is always given beside the adjusted one.

For looking again and again while data comes in, ``anytime`` gives a confidence sequence in place of the interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from penstock.evidence.clustered import COST, COVARIATE, LogRatio, Stratum, Sums, log_ratio, mean

HOLDBACK = "holdback"
TREATED = "treated"
SMALL_TASKS = "(small tasks)"
"""The stratum that tasks with too few sessions in an arm are put together in."""

FEWEST_SESSIONS = 20
"""In each arm; below this no interval is given, for its coverage is not what it says."""

FEWEST_ANYTIME = 40
"""The same for a confidence sequence, which has to hold from its first look on (benchmarks/proof)."""

_FEWEST_IN_TASK = 5
# The covariate is given up only when its imbalance is far beyond chance: falling back on the plain estimate just when
# the arms differ by chance would spoil the interval's coverage.
_BALANCE_LEVEL = 0.999
_HEAVY = 0.25  # a session with more of its arm's cost than this rules the estimate


class Sample(msgspec.Struct):
    """The sums of every session, by arm and task; samples of parts of the traffic add up with `merge`.

    Attributes:
        sums: arm -> task -> session -> calls, cost and covariate, money in picodollars.
        without_covariate: calls that had none; one such call and the covariate is not used.
    """

    sums: dict[str, dict[str, dict[str, Sums]]] = msgspec.field(default_factory=dict)
    without_covariate: int = 0

    def add(self, *, arm: str, task: str, session: str, cost: int, covariate: int | None) -> None:
        """Add a call; ``cost`` and ``covariate`` in picodollars."""
        self.without_covariate += covariate is None
        self._add(arm, task, session, (1, float(cost), float(covariate or 0)))

    def merge(self, other: Sample) -> None:
        """Add another sample to this one."""
        self.without_covariate += other.without_covariate
        for arm, tasks in other.sums.items():
            for task, sessions in tasks.items():
                for session, sums in sessions.items():
                    self._add(arm, task, session, sums)

    def only(self, task: str) -> Sample:
        """The part of one task."""
        sums = {arm: {task: tasks[task]} for arm, tasks in self.sums.items() if task in tasks}
        return Sample(sums, self.without_covariate)

    @property
    def tasks(self) -> tuple[str, ...]:
        """All tasks in either arm, by name."""
        return tuple(sorted({task for tasks in self.sums.values() for task in tasks}))

    def _add(self, arm: str, task: str, session: str, more: Sums) -> None:
        sessions = self.sums.setdefault(arm, {}).setdefault(task, {})
        calls, cost, covariate = sessions.get(session, (0, 0.0, 0.0))
        sessions[session] = (calls + more[0], cost + more[1], covariate + more[2])


class Arm(msgspec.Struct, frozen=True):
    """One side of the comparison.

    Attributes:
        sessions: independent units.
        calls: calls in them.
        mean_cost: picodollars for a call, over the tasks' common shares.
    """

    sessions: int
    calls: int
    mean_cost: float


class Interval(msgspec.Struct, frozen=True):
    """A figure and its interval, low to high."""

    estimate: float
    low: float
    high: float


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The measured saving; shares are fractions of 1, and negative savings are losses.

    Attributes:
        saving: of the cost of a call, adjusted when `adjusted`.
        unadjusted: the same without the covariate.
        level: of the interval, for example 0.95.
        anytime: whether the interval holds at all times together rather than at one.
        adjusted: whether the covariate was used.
        treated: the treated arm.
        holdback: the holdback arm.
        decided: whether the interval lies on one side of zero.
        sessions_to_decide: sessions in all, at the present split, from which the interval would leave zero if the
            estimate stayed; None when it has, or when the estimate is too near zero to say.
        saved: picodollars over the treated calls, with its interval: what they would have cost as the client sent
            them, less what they cost.
        more_calls: how many more calls a treated session makes, as a share (0.1 is ten percent more); a saving of a
            call is no saving if it takes more calls.
        tasks: tasks compared.
        left_out: calls of tasks that an arm has too few sessions of.
        warnings: what makes the figures less sure, one line each.
    """

    saving: Interval
    unadjusted: Interval
    level: float
    anytime: bool
    adjusted: bool
    treated: Arm
    holdback: Arm
    decided: bool
    sessions_to_decide: int | None
    saved: Interval
    more_calls: Interval
    tasks: tuple[str, ...]
    left_out: int
    warnings: tuple[str, ...]


class NotEnough(msgspec.Struct, frozen=True, kw_only=True):
    """Too little to say anything, and what is needed.

    Attributes:
        why: one line.
        treated_sessions: independent units seen.
        holdback_sessions: the same.
        needed: sessions that each arm needs at least.
    """

    why: str
    treated_sessions: int
    holdback_sessions: int
    needed: int


def prove(sample: Sample, *, level: float = 0.95, anytime: bool = False) -> Proof | NotEnough:
    """The saving with its interval, or what is missing for one."""
    strata, left_out = _strata(sample)
    arms = {arm: _sessions(strata, arm) for arm in (TREATED, HOLDBACK)}
    missing = _missing(arms, FEWEST_ANYTIME if anytime else FEWEST_SESSIONS)
    if missing is not None:
        return missing
    warnings = list(_heavy(arms))
    if left_out:
        warnings.append(f"{left_out:,} calls are left out: their tasks have too few sessions in an arm to compare")
    plain = log_ratio(strata.values(), TREATED, HOLDBACK, column=COST)
    best = plain
    if _balanced(sample, strata, warnings):
        ratio = log_ratio(strata.values(), TREATED, HOLDBACK, column=COST, over=COVARIATE)
        best = ratio if ratio.variance < plain.variance else plain
    saving = _saving(best, level, anytime=anytime)
    more = _more_calls(arms, level, anytime=anytime)
    if more.low > 0:
        warnings.append("treated sessions make more calls, so a session saves less than a call does")
    decided = saving.low > 0 or saving.high < 0
    treated = _arm(strata, arms, TREATED)
    return Proof(
        saving=saving,
        unadjusted=_saving(plain, level, anytime=anytime),
        level=level,
        anytime=anytime,
        adjusted=best is not plain,
        treated=treated,
        holdback=_arm(strata, arms, HOLDBACK),
        decided=decided,
        sessions_to_decide=None if decided else _sessions_to_decide(best, level, anytime=anytime),
        saved=_saved(saving, treated),
        more_calls=more,
        tasks=tuple(sorted(strata)),
        left_out=left_out,
        warnings=tuple(warnings),
    )


def _strata(sample: Sample) -> tuple[dict[str, Stratum], int]:
    """Tasks that both arms have enough sessions of, the others put together if that is enough; and the calls left out.

    A stratum of one held-back session would look as if it had no variance.
    """
    strata: dict[str, Stratum] = {}
    small: dict[str, dict[str, Sums]] = {TREATED: {}, HOLDBACK: {}}
    for task in sample.tasks:
        both = {arm: sample.sums.get(arm, {}).get(task, {}) for arm in (TREATED, HOLDBACK)}
        if all(len(sessions) >= _FEWEST_IN_TASK for sessions in both.values()):
            strata[task] = both
        else:
            for arm, sessions in both.items():
                for session, sums in sessions.items():
                    small[arm][session] = _plus(small[arm].get(session), sums)
    if all(len(sessions) >= _FEWEST_IN_TASK for sessions in small.values()):
        strata[SMALL_TASKS] = small
        return strata, 0
    return strata, sum(sums[0] for sessions in small.values() for sums in sessions.values())


def _plus(one: Sums | None, other: Sums) -> Sums:
    return other if one is None else (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def _sessions(strata: Mapping[str, Stratum], arm: str) -> dict[str, Sums]:
    """Each session's sums over all strata."""
    total: dict[str, Sums] = {}
    for stratum in strata.values():
        for session, sums in stratum[arm].items():
            total[session] = _plus(total.get(session), sums)
    return total


def _missing(arms: Mapping[str, Mapping[str, Sums]], least: int) -> NotEnough | None:
    treated, holdback = len(arms[TREATED]), len(arms[HOLDBACK])
    fewer, name = min((treated, TREATED), (holdback, HOLDBACK))
    why = ""
    if not fewer:
        why = "no task has enough treated and holdback sessions with a known cost"
    elif fewer < least:
        why = f"{fewer} {name} session{'' if fewer == 1 else 's'}, {least} are needed"
    elif any(sum(sums[COST] for sums in sessions.values()) <= 0 for sessions in arms.values()):
        why = "an arm cost nothing"
    return NotEnough(why=why, treated_sessions=treated, holdback_sessions=holdback, needed=least) if why else None


def _balanced(sample: Sample, strata: Mapping[str, Stratum], warnings: list[str]) -> bool:
    """Whether the covariate may be used: every call has it and the arms agree on it."""
    if sample.without_covariate:
        warnings.append(f"{sample.without_covariate} calls have no covariate, so the estimate is not adjusted")
        return False
    if any(mean(strata.values(), arm, COVARIATE) <= 0 for arm in (TREATED, HOLDBACK)):
        return False
    balance = log_ratio(strata.values(), TREATED, HOLDBACK, column=COVARIATE)
    if abs(balance.value) > balance.half_width(_BALANCE_LEVEL, anytime=False):
        warnings.append(
            f"the covariate is {math.expm1(balance.value):+.1%} in the treated arm, more than chance explains; "
            "treatment moves it, so the estimate is not adjusted for it"
        )
        return False
    return True


def _heavy(arms: Mapping[str, Mapping[str, Sums]]) -> Iterator[str]:
    for arm, sessions in arms.items():
        costs = [sums[COST] for sums in sessions.values()]
        share = max(costs) / sum(costs)
        if share > _HEAVY:
            yield f"one session is {share:.0%} of the {arm} cost; the interval leans on it"


def _arm(strata: Mapping[str, Stratum], arms: Mapping[str, Mapping[str, Sums]], arm: str) -> Arm:
    sessions = arms[arm]
    calls = sum(sums[0] for sums in sessions.values())
    return Arm(len(sessions), calls, mean(strata.values(), arm, COST))


def _saving(ratio: LogRatio, level: float, *, anytime: bool) -> Interval:
    width = ratio.half_width(level, anytime=anytime)
    value = ratio.value
    return Interval(-math.expm1(value), -_expm1(value + width), -math.expm1(value - width))


def _expm1(value: float) -> float:
    """A loss beyond any figure is infinite, not an error."""
    return math.expm1(value) if value < 700 else math.inf  # noqa: PLR2004 - where a double overflows


def _saved(saving: Interval, treated: Arm) -> Interval:
    """Money over the treated calls: a saving s of what would have been is s / (1 - s) of what was paid."""
    paid = treated.mean_cost * treated.calls
    low, estimate, high = (
        paid * s / (1 - s) if s > -math.inf else -paid for s in (saving.low, saving.estimate, saving.high)
    )
    return Interval(estimate, low, high)


def _sessions_to_decide(ratio: LogRatio, level: float, *, anytime: bool) -> int | None:
    distance = abs(ratio.value)
    low = high = ratio.sessions
    while ratio.half_width(level, anytime=anytime, sessions=high) >= distance:
        low, high = high, high * 2
        if high > ratio.sessions * 1000:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if ratio.half_width(level, anytime=anytime, sessions=middle) >= distance:
            low = middle
        else:
            high = middle
    return high


def _more_calls(arms: Mapping[str, Mapping[str, Sums]], level: float, *, anytime: bool) -> Interval:
    """Calls in a treated session over calls in a held-back one, less one: each session is a unit that "costs" calls."""
    units = {arm: {session: (1, float(sums[0]), 0.0) for session, sums in arms[arm].items()} for arm in arms}
    ratio = log_ratio((units,), TREATED, HOLDBACK, column=COST)
    width = ratio.half_width(level, anytime=anytime)
    return Interval(math.expm1(ratio.value), math.expm1(ratio.value - width), _expm1(ratio.value + width))
