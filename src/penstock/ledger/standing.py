"""Where each quality gate stands, in words: state, evidence, what is still needed, payback, and who decided by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import log

import msgspec

from penstock.engine.gates import terms_of
from penstock.evidence.gate import EasyState, Entry, Gate
from penstock.evidence.gatebook import GateBook, Status
from penstock.ledger.sends import Payback, TaskSends
from penstock.policy.schema import Policy

_HOUR = 3600.0


class Standing(msgspec.Struct, frozen=True):
    """One gate as people read it.

    Attributes:
        gate: with its history.
        status: judged together with all others.
        payback: None when a cost is unknown.
    """

    gate: Gate
    status: Status
    payback: Payback | None

    @property
    def heading(self) -> str:
        """Task, reference and candidate."""
        return f"{self.status.task}: {self.status.reference} -> {self.status.candidate}"

    @property
    def state(self) -> str:
        """The state, since when, and what was served in it."""
        pinned = ", pinned" if self.status.pinned else ""
        serving = f"; {self.status.served:,} calls served" if self.gate.serving else ""
        return f"{self.status.state.value}{pinned} since {_moment(self.gate.entered_at)}{serving}"

    @property
    def progress(self) -> float:
        """How far the evidence has come, 0 to 1: the logarithm of the e-value over that of what it must reach."""
        status = self.status
        if status.e_value <= 1.0 or status.threshold <= 1.0:
            return float(status.threshold <= 1.0)
        return min(1.0, log(status.e_value) / log(status.threshold))

    def facts(self) -> Iterator[tuple[str, str]]:
        """Names and texts: pairs, evidence with what is needed, the easy part, payback, why, the latest decision."""
        status = self.status
        yield "pairs", _pairs(status)
        if self.gate.ungraded:
            yield "ungraded", _ungraded(self.gate)
        if status.needed is not None:
            evidence = f"e-value {status.e_value:.3g} of {status.threshold:.3g}"
            yield "evidence", f"{evidence}; still needed: {_needed(status)}"
        if self.gate.easy is not None:
            yield "easy", _easy(self.gate.easy)
        yield "payback", _payback(self.payback)
        yield "why", status.why
        for entry in [one for one in self.gate.history if one.by.startswith("person:")][-1:]:
            yield "by hand", _decision(entry)


def under(policy: Policy, book: GateBook) -> GateBook:
    """The book of a ledger, which is changed to be judged under a policy's terms."""
    for name in book.gates:
        section = policy.task(name).gate
        if section is not None:
            book.task_terms[name] = terms_of(section)
    alphas = [terms.alpha for terms in book.task_terms.values()]
    book.terms = msgspec.structs.replace(book.terms, alpha=min(alphas, default=book.terms.alpha))
    return book


def standings(book: GateBook, sends: Mapping[str, TaskSends], task: str | None = None) -> list[Standing]:
    """Each gate's standing, or those of one task; ``sends`` are the tasks' costs by model."""
    return [
        Standing(
            book.gates[status.task][status.candidate],
            status,
            None
            if (costs := sends.get(status.task)) is None
            else costs.payback(status, book.terms_of(status.task).watch_share),
        )
        for status in book.statuses()
        if task in (None, status.task)
    ]


def _pairs(status: Status) -> str:
    if status.mean is None:
        return "none yet"
    parts = [f"{status.n:,}", f"mean difference {status.mean:+.3f}"]
    if status.watched:
        parts.append(f"{status.watched:,} more since it serves")
    if status.reference_mean is not None and status.reference_low is not None:
        parts.append(f"reference scores {status.reference_mean:.2f}, shown to be at least {status.reference_low:.2f}")
    return ", ".join(parts)


def _ungraded(gate: Gate) -> str:
    """Losses or left out: pairs from before a candidate served stay losses, so both are named."""
    late = gate.ungraded_late
    text = f"{gate.ungraded:,} pairs differed and had no grade: losses until the candidate serves, then left out"
    return (
        f"{text}; {late:,} of them outlived their process in a batch, and their texts were not kept" if late else text
    )


def _needed(status: Status) -> str:
    needed = status.needed
    if needed is None:
        return "-"
    if needed.samples is None:
        return "it will not come at the present disagreement"
    parts = [f"{needed.samples:,} pairs"] if needed.samples else []
    parts += [f"{needed.seconds / _HOUR:.1f} h"] if needed.seconds else []
    return " and ".join(parts) or "nothing"


def _payback(payback: Payback | None) -> str:
    if payback is None:
        return "unknown: no cost of one of the two is known"
    ratio = f"a candidate's request costs {payback.price_ratio:.0%} of the reference's"
    if payback.calls is None:
        return f"never: {ratio}"
    days = "" if payback.days is None else f" ({payback.days:.1f} days at the present rate)"
    return f"after {payback.calls:,} calls served{days}; {ratio}"


def _easy(easy: EasyState) -> str:
    if easy.dropped:
        return f"no prompts any more: {easy.dropped}"
    if not easy.share:
        return f"no prompts: none could be certified as easy from {easy.pairs:,} pairs"
    return f"{easy.share:.0%} of prompts, certified from {easy.pairs:,} pairs, go to the candidate already"


def _decision(entry: Entry) -> str:
    return f"{entry.after.value} by {entry.by.removeprefix('person:')} at {_moment(entry.at)}: {entry.why}"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
