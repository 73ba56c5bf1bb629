"""The page of the command line."""

from __future__ import annotations

from typing import Any

import typer

from penstock.cli.main import COMMANDS, app
from tools.reference.markdown import code, prose, table


def cli_page() -> str:
    """Every command with its options, from the command line's own declarations."""
    root: Any = typer.main.get_command(app)
    lines = ["# Command line", "", "Exit codes: 0 fine, 1 a threshold or check failed, 2 usage, 3 input.", ""]
    for name in COMMANDS:
        command = root.get_command(None, name)
        lines += [f"## penstock {name}", "", _first_paragraph(command.help or ""), ""]
        subcommands = getattr(command, "commands", None)
        for part, holder in (subcommands or {"": command}).items():
            if part:
                lines += [f"### penstock {name} {part}", "", _first_paragraph(holder.help or ""), ""]
            shown = [p for p in holder.params if p.name != "help" and not getattr(p, "hidden", False)]
            lines += table(("option", "meaning", "default"), map(_parameter_row, shown))
    return "\n".join(lines)


def _first_paragraph(text: str) -> str:
    return prose(text.split("\n\n", maxsplit=1)[0])


def _parameter_row(parameter: Any) -> tuple[str, str, str]:
    names = ", ".join(map(code, (*parameter.opts, *parameter.secondary_opts)))
    if parameter.param_type_name == "argument":
        names = code(parameter.name.upper())
    default = parameter.default
    shown = "" if default is None or callable(default) or default in ((), [], False, "") else code(default)
    return names, prose(getattr(parameter, "help", "") or ""), shown
