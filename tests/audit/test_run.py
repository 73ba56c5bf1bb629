from __future__ import annotations

import json
import random
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from penstock.audit.reading import ReadReport
from penstock.audit.report import html, markdown, terminal
from penstock.audit.report.model import from_json, to_json
from penstock.audit.run import Options, audit, audit_calls
from penstock.audit.verdict import Floor
from penstock.errors import InputError
from penstock.policy.load import load_policy
from penstock.replay.driver import replay
from tests.audit.detectors.test_long_context import retrieving
from tests.audit.report.example import NOW, audited, log_lines
from tests.audit.traffic import audit_input, line, static_prompts


def test_an_audit_gives_report_policy_and_file() -> None:
    result = audited()
    assert {row.task for row in result.report.tasks} >= {"triage", "mail"}
    assert load_policy(result.policy_text, "penstock.toml") == result.policy
    assert set(result.policy.tasks) == {"triage", "mail"}
    assert result.policy.tasks["mail"].cache.stabilise
    assert not result.policy.tasks["mail"].cache.move_static_up
    assert audited(decided=True).policy.tasks["mail"].cache.move_static_up
    assert result.findings[0].kind in ("never_cached", "volatile_prefix")


def test_long_retrieved_context_is_proposed_behind_the_gate_and_replays_as_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(map(line, retrieving(40, 10_000, output=250))))
    result = audit([path], now=NOW, options=Options(covers_days=1.0))
    policy = load_policy(result.policy_text, "penstock.toml")
    gate = policy.tasks["triage"].gate
    assert gate is not None
    assert (gate.edits, gate.judge) == (("trim",), "claude-opus-5")
    assert "a month if the gate agrees" in result.policy_text
    found = replay(retrieving(40, 10_000, output=250), policy, by_lever=True)
    assert found.total.calls == 40
    assert found.by_lever["trim"] == 0
    assert "a trimmed prompt is answered at the recorded length" not in found.assumed
    assert found.assumed == {
        "a gate has no evidence yet: what it tests is not served, and what testing costs is not in the bill": 40
    }


def test_a_log_without_a_call_is_an_error_that_says_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "junk.jsonl"
    path.write_bytes(b"one\ntwo\n")
    with pytest.raises(InputError, match=r"no call could be read \(2 x not a JSON object\)"):
        audit([path], now=NOW)


def test_the_reader_may_say_what_the_log_stands_for_and_move_the_floor(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(map(line, static_prompts(40, 10.0))))
    assert audit([path], now=NOW).report.tasks[0].verdict == "cannot say"
    day = audit([path], now=NOW, options=Options(covers_days=1.0)).report
    assert (day.tasks[0].verdict, day.tasks[0].calls_day) == ("not worth it", 40.0)
    low = audit([path], now=NOW, options=Options(covers_days=1.0, floor=Floor(usd_month=5.0))).report
    assert low.tasks[0].verdict == "worth it"


def test_calls_may_come_from_anywhere_and_the_detectors_start_is_told() -> None:
    calls = static_prompts(10)
    read = ReadReport()
    for call in calls:
        read.accept(call)
    told: list[int] = []
    result = audit_calls(calls, read, now=NOW, looking=lambda: told.append(1))
    assert (result.report.log.calls, told) == (10, [1])
    assert result.findings == tuple(sorted(result.findings, key=lambda one: one.measure.value != "saving"))
    assert audit_input(calls).period.seconds == result.report.log.seconds


ODD = (None, True, -5, 0, 10**30, 1e300, "", "x", "1e999", [], {}, [None], {"a": 1}, "2026-13-45", 1e18, "\ud800")
GOOD = [json.loads(data) for data in log_lines()[::9] if data.startswith(b"{")]


def spoiled(rnd: random.Random, value: Any, depth: int = 0) -> Any:
    """The value with one thing in it replaced by something odd, or gone."""
    if isinstance(value, dict) and value:
        key = rnd.choice(list(value))
        if depth > 5 or rnd.random() < 0.3:
            rest = {name: inner for name, inner in value.items() if name != key}
            return rest if rnd.random() < 0.3 else {**value, key: rnd.choice(ODD)}
        return {**value, key: spoiled(rnd, value[key], depth + 1)}
    if isinstance(value, list) and value:
        index = rnd.randrange(len(value))
        return [*value[:index], spoiled(rnd, value[index], depth + 1), *value[index + 1 :]]
    return rnd.choice(ODD)


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_no_log_however_spoiled_breaks_an_audit_or_a_view(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rnd = random.Random(seed)
    lines = [json.dumps(GOOD[0]).encode()]
    for _ in range(25):
        record = rnd.choice(GOOD)
        for _ in range(rnd.randrange(5)):
            record = spoiled(rnd, record)
        data = json.dumps(record).encode()
        lines.append(data if rnd.random() < 0.9 else data[: rnd.randrange(len(data) + 1)])
    path = tmp_path_factory.mktemp("spoiled") / "log.jsonl"
    path.write_bytes(b"\n".join(lines))
    report = audit([path], now=NOW).report
    assert report.log.calls >= 1
    assert from_json(to_json(report)) == report
    terminal.show(report, Console(file=StringIO(), width=80))
    assert html.render(report)
    assert markdown.render(report)
