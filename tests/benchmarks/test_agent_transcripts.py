from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import agent_transcripts
from benchmarks.arrivals import schedule
from benchmarks.transcripts import load
from tests.benchmarks.made_up import write_folder


@pytest.mark.parametrize("model", agent_transcripts.MODELS)
def test_the_bound_is_below_every_bill_and_no_caching_above(model: str, tmp_path: Path) -> None:
    arrivals = schedule(load(write_folder(tmp_path)), 60.0, seed=1)
    row = agent_transcripts.run(agent_transcripts.traffic_of(arrivals, model), 60.0, 1, tmp_path)
    assert row["usd_bound"] <= row["usd_penstock"] <= row["usd_none"] * 1.01
    assert row["usd_bound"] <= row["usd_automatic"]
    assert row["requests"] == row["replayed_calls"] == len(arrivals)
    assert abs(row["projection_error"]) < 0.02


def test_the_json_has_the_keys_of_every_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path, conversations=2, turns=1)
    monkeypatch.setattr(sys, "argv", ["x", "--data", str(folder), "--json", "--gaps", "60", "--models", "gpt-6.1-sol"])
    agent_transcripts.main()
    printed = json.loads(capsys.readouterr().out)
    assert {"benchmark", "seed", "penstock_version", "price_table", "wall_s", "runs"} <= printed.keys()
    assert printed["runs"][0]["model"] == "gpt-6.1-sol"
