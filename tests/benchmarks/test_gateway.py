from __future__ import annotations

from benchmarks.gateway import POLICY, rows_of
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
            "added_p50_ms": 2.0,
            "rps": 1000.0,
            "pss_mb": 40.0,
            "errors": 2,
        }
    ]


def test_the_gateway_is_measured_with_keys_asked_for() -> None:
    assert load_policy(POLICY).keys.keys() == {"bench"}
