from __future__ import annotations

from penstock.cli.main import COMMANDS
from tools.reference.cli import cli_page


def test_the_command_page_names_every_command() -> None:
    page = cli_page()
    assert all(f"## penstock {name}\n" in page for name in COMMANDS)


def test_options_have_their_help_and_their_default() -> None:
    page = cli_page()
    assert "| `MODEL` | A model as a request or a log names it. |  |" in page
    assert "| `--host` | The address to serve on. | `127.0.0.1` |" in page


def test_commands_of_a_group_stand_below_it() -> None:
    page = cli_page()
    assert page.index("## penstock config\n") < page.index("### penstock config show\n")
