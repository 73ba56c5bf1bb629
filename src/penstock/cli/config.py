"""``penstock config``: the policy in force, and its schema."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from penstock.policy.dump import dump_policy, to_builtins
from penstock.policy.json_schema import policy_json_schema
from penstock.settings import read_policy

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Show the policy in force, or the schema of the policy file.",
)


@app.command()
def show(
    policy: Path | None = typer.Option(None, "--policy", "-p", help="The policy file."),
    resolved: bool = typer.Option(False, "--resolved", help="Every key, defaults included."),
    as_json: bool = typer.Option(False, "--json", help="JSON instead of TOML."),
) -> None:
    """Print the policy after file, environment and defaults are put together; exit 2 when it is wrong."""
    found = read_policy(policy)
    if as_json:
        typer.echo(json.dumps(to_builtins(found, resolved=resolved), indent=2, ensure_ascii=False))
    else:
        typer.echo(dump_policy(found, resolved=resolved), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of penstock.toml."""
    typer.echo(json.dumps(policy_json_schema(), indent=2, ensure_ascii=False))
