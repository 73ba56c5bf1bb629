"""The page of the prompt-cache rules: what the state machine of each regime does, and what it had to decide."""

from __future__ import annotations

import inspect

from penstock.cachemodel import anthropic, bound, machine, openai_breakpoints, openai_grid
from penstock.cachemodel.admission import Decisions
from tools.reference.markdown import prose, table
from tools.reference.structs import definitions, members

_REGIMES = (anthropic, openai_grid, openai_breakpoints)


def cache_rules_page() -> str:
    """The rules as they stand at the top of their files, and the parameters for what documentation leaves open."""
    lines = ["# Prompt-cache rules", ""]
    for module in (*_REGIMES, machine, bound):
        title, _, rules = inspect.cleandoc(module.__doc__ or "").partition("\n\n")
        lines += [f"## {title}", "", "```text", rules.rstrip(), "```", ""]
    known = definitions(Decisions)
    definition = known[Decisions.__name__]
    lines += ["## Decisions", "", prose(definition["description"]), ""]
    return "\n".join([*lines, *table(("parameter", "type", "default", "meaning"), members(definition, known))])
