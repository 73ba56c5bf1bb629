from __future__ import annotations

from pathlib import Path

import msgspec

from benchmarks import agent_transcripts
from benchmarks.arrivals import schedule
from benchmarks.kept_transcripts import Asked, Driver
from benchmarks.transcripts import load
from penstock.policy.load import load_policy
from penstock.policy.schema import Holdback, Policy
from tests.benchmarks.made_up import write_folder

CLAUDE = "claude-opus-5-5"
APPLY = msgspec.structs.replace(Policy(mode="apply"), holdback=Holdback(share=0.0))


def _traffic(folder: Path, gap_s: float, conversations: int = 12, turns: int = 6) -> agent_transcripts.Traffic:
    made = load(write_folder(folder, conversations, turns))
    return agent_transcripts.traffic_of(schedule(made, gap_s, seed=1), CLAUDE)


def _driven(traffic: agent_transcripts.Traffic, policy: Policy) -> tuple[int, int]:
    world = agent_transcripts.world_for(traffic, 1)
    driver = Driver(policy, world.provider, agent_transcripts.TASK)
    asked = [Asked(one.at, agent_transcripts.encoded(one.body), one.session) for one in traffic.requests]
    driver.send(traffic.dialect, asked)
    return world.bill, driver.kept_alive


def test_without_requests_of_its_own_the_bill_is_the_client_s(tmp_path: Path) -> None:
    traffic = _traffic(tmp_path, 120.0)
    assert _driven(traffic, APPLY) == (agent_transcripts.send_through_client(traffic, 1, APPLY).bill, 0)


def test_requests_between_those_of_the_transcripts_are_sent_and_billed(tmp_path: Path) -> None:
    traffic = _traffic(tmp_path, 200.0, conversations=60, turns=3)
    keep = load_policy('mode = "apply"\nholdback.share = 0.0\n[defaults.cache]\nkeep_alive = true\n')
    alone, _ = _driven(traffic, APPLY)
    kept, own = _driven(traffic, keep)
    assert own > 0
    assert kept != alone
    assert kept < 1.01 * alone


def test_a_row_has_what_requests_of_our_own_cost_where_that_was_asked_for(tmp_path: Path) -> None:
    traffic = _traffic(tmp_path, 330.0)
    row = agent_transcripts.run(traffic, 330.0, 1, tmp_path, kept=True)
    assert row["usd_bound"] * 0.9 < row["usd_kept_alive"] < 1.01 * row["usd_penstock"]
    assert row["kept_alive_requests"] >= 0
    assert row["share_of_bound_kept_alive"] > 0.8
    assert "usd_kept_alive" not in agent_transcripts.run(traffic, 330.0, 1, tmp_path)
