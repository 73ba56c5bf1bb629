"""The page of what an audit can find."""

from __future__ import annotations

import inspect
import re
import sys
from enum import StrEnum
from types import ModuleType

from penstock.audit import finding
from penstock.audit.detectors import registry
from penstock.audit.finding import Measure, Pool, Verdict
from tools.reference.markdown import code, paragraphs, table


def findings_page() -> str:
    """Every kind of finding: what it means, what its dollars are and what fixes it, from the detectors."""
    lines = ["# Findings", "", *paragraphs(finding.__doc__ or "")]
    lines += ["Every finding says what its dollars are:", "", *_enumeration("measure", Measure)]
    pools = ", ".join(map(code, Pool))
    lines += [f"Findings of one pool of tokens ({pools}) in a task compete: the largest counts in the possible saving."]
    verdicts = ", ".join(map(code, Verdict))
    lines += ["", f"Each task has a verdict: {verdicts}.", ""]
    for detector in registry.DETECTORS:
        module = sys.modules[detector.__module__]
        lines += [f"## {module.__name__.rpartition('.')[2]}", ""]
        lines += table(("kind", "in few words"), ((code(kind), text) for kind, text in kinds(module).items()))
        lines += paragraphs(module.__doc__ or "")
    return "\n".join(lines)


def kinds(module: ModuleType) -> dict[str, str]:
    """A detector's kinds of finding, each in a few words."""
    found: dict[str, str] = module.KINDS
    return found


def _enumeration(head: str, kind: type[StrEnum]) -> list[str]:
    """The members of an enumeration with the comments beside them in the code."""
    said = dict(re.findall(r'^    \w+ = "(.*)"  # (.*)$', inspect.getsource(kind), re.MULTILINE))
    return table((head, "meaning"), ((code(member.value), said[member.value]) for member in kind))
