from __future__ import annotations

import json
from pathlib import Path

from benchmarks.gateway import OURS, POLICY, missing, rows_of, turns_of
from penstock.policy.load import load_policy


def line(name: str, cpu: float, added: float, bad: int = 0) -> dict[str, object]:
    return {
        "name": name,
        "rss_after": 40.0,
        "low": [{"body": "openai-2k", "add_p50": added, "err": 0, "bad": bad}],
        "sat": [{"body": "openai-2k", "cpu_ms": cpu, "rps": 1000.0, "err": 0, "bad": 0}],
    }


def test_rows_are_medians_over_rounds_and_count_errors() -> None:
    rows = rows_of([line("gateway", 0.2, 1.0), line("gateway", 0.4, 3.0, bad=2), line("gateway", 0.3, 2.0)])
    assert rows == [
        {
            "target": "penstock",
            "case": "openai-2k",
            "cpu_ms": 0.3,
            "cpu_ms_range": [0.2, 0.4],
            "added_p50_ms": 2.0,
            "added_p50_ms_range": [1.0, 3.0],
            "rps": 1000.0,
            "rps_range": [1000.0, 1000.0],
            "pss_mb": 40.0,
            "pss_mb_range": [40.0, 40.0],
            "errors": 2,
        }
    ]


def test_the_gateway_is_measured_with_keys_asked_for() -> None:
    assert load_policy(POLICY).keys.keys() == {"bench"}


def test_every_target_has_its_rounds_and_ours_are_spread_among_the_others() -> None:
    turns = turns_of(["a", "b", "c"], 3, 2, seed=7)
    assert turns.count(OURS) == 3
    assert sorted(turns) == sorted([OURS] * 3 + ["a", "b", "c"] * 2)
    assert [place for place, name in enumerate(turns) if name == OURS] == [0, 3, 6]
    assert turns == turns_of(["a", "b", "c"], 3, 2, seed=7)


def test_a_peer_that_cannot_be_started_has_a_reason(tmp_path: Path) -> None:
    here = str(tmp_path / "there")
    Path(here).touch()
    (tmp_path / "peers.json").write_text(json.dumps({"a": {"cmd": ["{venvs}/there"]}, "b": {"cmd": ["{venvs}/gone"]}}))
    (tmp_path / "stacks.json").write_text("{}")
    assert missing("a", tmp_path, tmp_path) is None
    assert missing("a", tmp_path, None) == "no --venvs given"
    assert missing("b", tmp_path, tmp_path) == "not installed (gone)"
    assert missing("c", tmp_path, tmp_path) == "the harness does not know it"
