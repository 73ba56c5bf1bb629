from __future__ import annotations

from pathlib import Path

import pytest

from penstock.cli.main import COMMANDS
from tools import reference


def test_a_page_that_differs_from_the_code_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    assert reference.main(check=False) == 0
    assert reference.main(check=True) == 0
    (tmp_path / "cli.md").write_text("something else")
    assert reference.main(check=True) == 1
    assert "cli.md" in capsys.readouterr().err


def test_the_command_page_names_every_command() -> None:
    page = reference.cli_page()
    assert all(f"## penstock {name}" in page for name in COMMANDS)
