"""From findings to a policy file: what each task that is worth it should switch on, and what waits for a decision.

What cannot change an answer, and caps that would have cut next to nothing, are proposed. A smaller model, shorter
prompts and shorter answers are proposed behind the quality gate where they could save the floor, so that callers get
them once evidence says yes; under the floor the same keys are comments. A gate tests one change at a time, the one that
could save most. Other changes that can change answers, such as text moved to another place, are left as comments. The
mode is ``observe``, so that the file changes nothing until someone says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from penstock.audit.finding import Finding, Measure, Verdict
from penstock.audit.period import Period
from penstock.audit.verdict import Floor, Judged
from penstock.money import PICO_PER_USD, format_usd
from penstock.policy.decode import dotted, quoted
from penstock.policy.dump import dump_policy
from penstock.policy.schema import Audit, Policy
from penstock.unknown import Unknown

Sections = Mapping[str, Mapping[str, Any]]


class Proposal(msgspec.Struct, frozen=True):
    """A proposed policy.

    Attributes:
        policy: as the engine takes it.
        sections: task name -> section -> keys, as they are written to the file, defaults included.
        gated: task name and finding of what is in the policy behind a gate.
        waiting: task name and finding of what waits for a decision.
        later: task name and finding of what the task's gate could test after what it tests now.
        remarks: one line for each task, why it is in the policy or not.
    """

    policy: Policy
    sections: dict[str, dict[str, dict[str, Any]]]
    gated: tuple[tuple[str, Finding], ...]
    waiting: tuple[tuple[str, Finding], ...]
    later: tuple[tuple[str, Finding], ...]
    remarks: tuple[str, ...]

    def text(self, period: Period) -> str:
        """The policy as a file: remarks, the policy, and what waits for a decision, commented out."""
        notes = self._notes()
        lines = [
            "# Proposed by `penstock audit`. In observe mode nothing is changed; what would be done is said.",
            '# `penstock replay LOG --policy THIS_FILE` projects the bill; then set mode = "apply".',
            f"# Month: {_plain(period.basis)}.",
            "#",
            *(f"# {_plain(remark)}" for remark in self.remarks),
            "",
            *dump_policy(msgspec.structs.replace(self.policy, tasks={})).splitlines(),
        ]
        if self.gated:
            lines += ["", *_ON_GATES]
        if self.waiting:
            lines += ["", "# Keys in comments can change answers, and wait for your decision or the quality gate."]
        for task in dict.fromkeys((*self.sections, *notes)):
            waiting: dict[str, dict[str, Any]] = {}
            for name, finding in self.waiting:
                if name == task:
                    _merge(waiting, {**finding.opt_in, **finding.gated})
            lines += ["", *(f"# {_plain(note)}" for note in notes.get(task, ()))]
            lines += toml_of(task, self.sections.get(task, {}), waiting)
        return "\n".join(lines) + "\n"

    def _notes(self) -> dict[str, list[str]]:
        """What is said above a task's sections."""
        found: dict[str, list[str]] = {}
        for beginning, ones in (
            ("Behind the gate: ", self.gated),
            ("", self.waiting),
            ("Not tested yet: ", self.later),
        ):
            for name, finding in ones:
                found.setdefault(name, []).append(f"{beginning}{finding.title}{_amount(finding)}")
        return found


_ON_GATES = (
    "# A gate tests one change of a task: callers get it once evidence shows that it does no harm. In apply mode it",
    "# asks a share of calls both ways, which is booked and stops at shadow_usd_day; a judge sees prompts and answers.",
)


def propose(
    findings: Iterable[Finding],
    judged: Mapping[str, Judged],
    labelled: Mapping[str, bool],
    *,
    floor: Floor,
    members: Mapping[str, Sequence[str]] | None = None,
    decided: bool = False,
) -> Proposal:
    """The proposed policy.

    Args:
        findings: of the whole log.
        judged: the tasks' verdicts; tasks that are not worth it get no section.
        labelled: whether a task's name is a label of the log's; others are recognised by their fingerprint.
        floor: written into the policy.
        members: fingerprints of each task without a label; None where each task has its own alone.
        decided: also switch on what waits for a decision, and gates under the floor.
    """
    made = _Made(labelled, members or {}, floor, decided=decided)
    for finding in findings:
        one = judged.get(finding.task)
        if finding.task and one is not None and one.verdict is not Verdict.NOT_WORTH:
            made.take(finding)
    audit = msgspec.to_builtins(Audit(floor_usd_month=floor.usd_month, floor_calls_day=floor.calls_day))
    policy = msgspec.convert({"mode": "observe", "audit": audit, "tasks": made.sections}, Policy)
    return Proposal(
        policy=policy,
        sections=made.sections,
        gated=tuple(made.gated),
        waiting=tuple(made.waiting),
        later=tuple(made.later),
        remarks=tuple(_remarks(judged, labelled)),
    )


class _Made:
    """A proposal in the making; findings come in the order of a report, the largest question first."""

    def __init__(
        self, labelled: Mapping[str, bool], members: Mapping[str, Sequence[str]], floor: Floor, *, decided: bool
    ) -> None:
        self.sections: dict[str, dict[str, dict[str, Any]]] = {}
        self.gated: list[tuple[str, Finding]] = []
        self.waiting: list[tuple[str, Finding]] = []
        self.later: list[tuple[str, Finding]] = []
        self._tested: dict[str, list[Any]] = {}
        self._labelled = labelled
        self._members = members
        self._floor = floor
        self._decided = decided

    def take(self, finding: Finding) -> None:
        """What a finding puts into the policy, and into its comments."""
        name = policy_name(finding.task, labelled=self._labelled.get(finding.task, False))
        self._add(name, finding, finding.fix)
        if self._decided:
            self._add(name, finding, finding.opt_in)
        elif finding.opt_in:
            self.waiting.append((name, finding))
        if not finding.gated:
            return
        tests = _tests(finding)
        if self._tested.setdefault(name, tests) != tests:
            self.later.append((name, finding))
        elif self._decided or self._worth(finding) or any(task == name for task, _ in self.gated):
            self._add(name, finding, finding.gated)
            self.gated.append((name, finding))
        else:
            self.waiting.append((name, finding))

    def _add(self, name: str, finding: Finding, keys: Sections) -> None:
        if keys:
            known = {} if self._labelled.get(finding.task) else _match(finding.task, self._members)
            _merge(self.sections.setdefault(name, known), keys)

    def _worth(self, finding: Finding) -> bool:
        """Whether a question could save the floor by itself: testing costs money of its own."""
        month = finding.dollars_month
        return not isinstance(month, Unknown) and month >= self._floor.usd_month * PICO_PER_USD


def _tests(finding: Finding) -> list[Any]:
    """What a finding's gate tests, and against which model."""
    return [finding.gated["gate"].get(key) for key in ("candidate", "edits", "reference")]


def _amount(finding: Finding) -> str:
    """What a question could save, for a comment; nothing for other findings."""
    if finding.measure is not Measure.QUESTION:
        return ""
    month = finding.dollars_month
    return f" ({month.why})" if isinstance(month, Unknown) else f" ({format_usd(month)} a month if the gate agrees)"


def _match(task: str, members: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    prints = list(members.get(task, ()))
    return {"match": {"fingerprint": prints if len(prints) > 1 else task}}


def policy_name(task: str, *, labelled: bool) -> str:
    """The name of a task's section: its label, or ``task-`` and the beginning of its fingerprint."""
    return task if labelled else f"task-{task[:8]}"


def _remarks(judged: Mapping[str, Judged], labelled: Mapping[str, bool]) -> Iterable[str]:
    for task, one in sorted(judged.items(), key=lambda item: item[0]):
        name = policy_name(task, labelled=labelled.get(task, False)) if task else "(calls without a readable request)"
        yield f"{name}: {one.verdict.value}; {one.why}"


def toml_of(task: str, sections: Sections, waiting: Sections) -> Iterable[str]:
    """Policy keys of a task as lines of TOML, each section once; those that wait for a decision are comments."""
    for section in dict.fromkeys((*sections, *waiting)):
        keys = sections.get(section, {})
        yield f"{'' if keys else '# '}[{dotted(('tasks', task, section))}]"
        for key, value in keys.items():
            yield f"{key} = {_literal(value)}"
        for key, value in waiting.get(section, {}).items():
            if key not in keys:
                yield f"# {key} = {_literal(value)}"


def _merge(into: dict[str, dict[str, Any]], more: Sections) -> None:
    """The first finding, which is the largest, decides a key."""
    for section, keys in more.items():
        kept = into.setdefault(section, {})
        for key, value in keys.items():
            kept.setdefault(key, value)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return quoted(value) if isinstance(value, str) else str(value)


def _plain(text: str) -> str:
    """A label may hold anything; none of it may leave its comment."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", text)
