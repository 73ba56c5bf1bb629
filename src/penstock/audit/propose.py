"""From findings to a policy file: what each task that is worth it should switch on, and what waits for a decision.

What cannot change an answer, and caps that would have cut next to nothing, are proposed. What can change answers is
left as comments: a smaller model, shorter prompts, text moved to another place. The mode is ``observe``, so that the
file changes nothing until someone says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from penstock.audit.finding import Finding, Verdict
from penstock.audit.period import Period
from penstock.audit.verdict import Floor, Judged
from penstock.policy.decode import dotted, quoted
from penstock.policy.dump import dump_policy
from penstock.policy.schema import Audit, Policy

Sections = Mapping[str, Mapping[str, Any]]


class Proposal(msgspec.Struct, frozen=True):
    """A proposed policy.

    Attributes:
        policy: as the engine takes it.
        sections: task name -> section -> keys, as they are written to the file, defaults included.
        waiting: task name and finding of what waits for a decision.
        remarks: one line for each task, why it is in the policy or not.
    """

    policy: Policy
    sections: dict[str, dict[str, dict[str, Any]]]
    waiting: tuple[tuple[str, Finding], ...]
    remarks: tuple[str, ...]

    def text(self, period: Period) -> str:
        """The policy as a file: remarks, the policy, and what waits for a decision, commented out."""
        lines = [
            "# Proposed by `penstock audit`. In observe mode nothing is changed; what would be done is said.",
            '# `penstock replay LOG --policy THIS_FILE` projects the bill; then set mode = "apply".',
            f"# Month: {_plain(period.basis)}.",
            "#",
            *(f"# {_plain(remark)}" for remark in self.remarks),
            "",
            *dump_policy(msgspec.structs.replace(self.policy, tasks={})).splitlines(),
        ]
        if self.waiting:
            lines += ["", "# Keys in comments can change answers, and wait for your decision or the quality gate."]
        for task in dict.fromkeys((*self.sections, *(name for name, _ in self.waiting))):
            waiting: dict[str, dict[str, Any]] = {}
            lines.append("")
            for name, finding in self.waiting:
                if name == task:
                    lines.append(f"# {_plain(finding.title)}")
                    _merge(waiting, finding.opt_in)
            lines += toml_of(task, self.sections.get(task, {}), waiting)
        return "\n".join(lines) + "\n"


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
        decided: also switch on what waits for a decision.
    """
    sections: dict[str, dict[str, dict[str, Any]]] = {}
    waiting: list[tuple[str, Finding]] = []
    for finding in findings:
        one = judged.get(finding.task)
        if not finding.task or one is None or one.verdict is Verdict.NOT_WORTH:
            continue
        name = policy_name(finding.task, labelled=labelled.get(finding.task, False))
        for keys in (finding.fix, finding.opt_in if decided else {}):
            if keys:
                known = {} if labelled.get(finding.task) else _match(finding.task, members or {})
                _merge(sections.setdefault(name, known), keys)
        if finding.opt_in and not decided:
            waiting.append((name, finding))
    audit = msgspec.to_builtins(Audit(floor_usd_month=floor.usd_month, floor_calls_day=floor.calls_day))
    policy = msgspec.convert({"mode": "observe", "audit": audit, "tasks": sections}, Policy)
    return Proposal(policy, sections, tuple(waiting), tuple(_remarks(judged, labelled)))


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
