"""The ``penstock`` command: one file per sub-command, imported only when it is called.

Data goes to stdout, progress and messages to stderr. Exit codes: 0 fine, 1 a threshold or a check failed, 2 usage,
3 input or surroundings (a missing file, a busy port, an unreachable upstream).
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from penstock import __version__
from penstock.errors import PenstockError

COMMANDS: dict[str, str] = {
    # name: the module that has `command` (a function) or `app` (a typer group of sub-commands)
    "demo": "penstock.cli.demo",
    "audit": "penstock.cli.audit",
    "replay": "penstock.cli.replay",
    "simulate": "penstock.cli.simulate",
    "prices": "penstock.cli.prices",
    "serve": "penstock.cli.serve",
    "prove": "penstock.cli.prove",
    "ledger": "penstock.cli.ledger",
    "tasks": "penstock.cli.tasks",
    "trace": "penstock.cli.trace",
    "explain": "penstock.cli.explain",
    "dashboard": "penstock.cli.dashboard",
    "tail": "penstock.cli.tail",
    "config": "penstock.cli.config",
}


class LazyCommands(TyperGroup):
    """Finds a sub-command by name and imports its module only then, so that ``penstock --help`` stays quick."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the group's signature
        """The names in the order of the table above, which follows the loop."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the group's signature
        """The command of ``penstock.cli.<name>``, or None, which makes the "no such command" message."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        loaded = import_module(module)
        if hasattr(loaded, "app"):
            group = typer.main.get_command(loaded.app)
            group.name = cmd_name
            return group
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name=cmd_name)(loaded.command)
        return typer.main.get_command(single)


app = typer.Typer(cls=LazyCommands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"penstock {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", callback=_print_version),
) -> None:
    """Find the waste in an LLM bill, fix it in the request path, and prove the saving."""


def run(arguments: list[str] | None = None) -> None:
    """Run the command line; our own errors become one line, a hint, and the documented exit code."""
    try:
        app(args=arguments, prog_name="penstock")
    except PenstockError as error:
        sys.stderr.write(f"error: {error}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
        raise SystemExit(error.exit_code) from None
