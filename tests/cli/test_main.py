from __future__ import annotations

import pytest

from penstock import __version__
from penstock.cli import main
from penstock.errors import InputError, UsageError


def test_the_version_is_printed_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"penstock {__version__}\n"


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run(["frobnicate"])
    assert ended.value.code == 2
    assert "frobnicate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("no such file", hint="check the path"), 3), (UsageError("bad"), 2)]
)
def test_our_errors_are_one_line_a_hint_and_the_documented_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as ended:
        main.run([])
    assert ended.value.code == code
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"error: {error}"
    assert said[1:] == ([f"hint: {error.hint}"] if error.hint else [])  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", list(main.COMMANDS))
def test_every_listed_command_loads_and_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.run([name, "--help"])
    assert ended.value.code == 0
    assert len(capsys.readouterr().out.split()) > 10


def test_help_lists_every_command_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.run(["--help"])
    shown = {line.strip("│ ").split()[0] for line in capsys.readouterr().out.splitlines() if line.strip("│ ")}
    assert set(main.COMMANDS) <= shown
