from __future__ import annotations

import json
from pathlib import Path

import pytest

from penstock.cli.main import run


def _run(*arguments: str) -> int:
    try:
        run(list(arguments))
    except SystemExit as end:
        return int(end.code or 0)
    return 0


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "penstock.toml"
    path.write_text('mode = "apply"\n[tasks.a.cap]\noutput = "boolean"\n')
    return str(path)


def test_the_policy_is_shown_as_toml(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("config", "show", "--policy", policy) == 0
    assert capsys.readouterr().out == 'schema = 1\nmode = "apply"\n\n[tasks.a.cap]\noutput = "boolean"\n'


def test_resolved_shows_every_key_and_the_environment_over_the_file(
    policy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_HOLDBACK__SHARE", "0.3")
    assert _run("config", "show", "--policy", policy, "--resolved", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["mode"], shown["holdback"]["share"], shown["tasks"]["a"]["cap"]["multiplier"]) == ("apply", 0.3, 1.2)


def test_a_wrong_policy_is_one_line_with_a_hint_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.toml"
    path.write_text("\nmoode = 'apply'")
    assert _run("config", "show", "--policy", str(path)) == 2
    assert capsys.readouterr().err == f"error: {path}, line 2: unknown key `moode`\nhint: did you mean `mode`?\n"


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("config", "schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "penstock.toml"
