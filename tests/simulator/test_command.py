from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import UsageError
from penstock.simulator.command import environment_lines, limits_from, rules_from, serve_from_command_line
from penstock.simulator.faults import Fault, FaultRule
from penstock.simulator.limits import UNENFORCED


def test_limits_are_read_from_a_spec() -> None:
    assert limits_from("") is UNENFORCED
    limits = limits_from("rpm=60, tpm=5000")
    assert (limits.requests, limits.tokens, limits.enforced) == (60, 5000, True)
    for wrong in ("rpm", "rpm=0", "qps=1", "rpm=-1"):
        with pytest.raises(UsageError):
            limits_from(wrong)


def test_fault_rules_come_from_a_spec_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.txt"
    file.write_text("429@nth=2\n\n529@p=0.1;500@nth=9\n", encoding="utf-8")
    assert len(rules_from(str(file))) == 3
    assert rules_from("429@nth=2") == [FaultRule(fault=Fault("429"), nth=2)]
    assert rules_from("") == []
    assert len(rules_from(";".join(["slow-first-byte=1@p=0.001"] * 40))) == 40


def test_the_environment_lines_fit_both_sdks() -> None:
    lines = environment_lines("http://127.0.0.1:9").splitlines()
    assert "export ANTHROPIC_BASE_URL=http://127.0.0.1:9" in lines
    assert "export OPENAI_BASE_URL=http://127.0.0.1:9/v1" in lines


def test_a_public_address_needs_a_word_of_its_own() -> None:
    with pytest.raises(UsageError, match="not a loopback address"):
        serve_from_command_line(port=0, host="192.0.2.1")
