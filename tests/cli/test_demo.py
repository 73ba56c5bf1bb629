from __future__ import annotations

import pytest

from penstock.cli.main import run


def test_the_command_explains_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["demo", "--help"])
    assert ended.value.code == 0
    assert "simulated answers" in " ".join(capsys.readouterr().out.split())
