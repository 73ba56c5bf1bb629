from __future__ import annotations

from pathlib import Path

import pytest

from penstock.cli.main import run
from penstock.evidence.store import Evidence
from penstock.ledger.learnt import learnt
from penstock.ledger.sqlite import open_ledger
from tests.cli.test_replay import write_log


def run_teaching(tmp_path: Path, ledger: Path) -> int:
    log, policy = tmp_path / "calls.jsonl", tmp_path / "penstock.toml"
    write_log(log, 30)
    policy.write_text('schema = 1\nmode = "apply"\n')
    with pytest.raises(SystemExit) as ended:
        run(["replay", str(log), "--policy", str(policy), "--teach", str(ledger)])
    return int(ended.value.code or 0)


def test_a_new_ledger_begins_with_what_the_log_taught(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.sqlite"
    assert run_teaching(tmp_path, ledger) == 0
    assert run_teaching(tmp_path, ledger) == 0
    with open_ledger(ledger) as file:
        evidence, broken = file.evidence.load()
    assert broken == []
    assert sum(one.whole_count for one in evidence.lengths.by_key.values()) == 30
    assert len(evidence.reuse.prefixes) > 0


def test_a_ledger_that_live_traffic_has_taught_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "ledger.sqlite"
    with open_ledger(ledger) as file:
        file.evidence.save([learnt("lengths", Evidence().lengths.to_builtins(), 1.0)], "gateway-1")
    assert run_teaching(tmp_path, ledger) == 2
    assert "hint:" in capsys.readouterr().err
