from __future__ import annotations

import re

from penstock.engine.edit import Note, Risk
from penstock.engine.record import EditRecord
from penstock.gateway.metrics import MOST_SERIES, Metrics
from penstock.money import Picodollars
from penstock.telemetry.names import COST_USD, HELP, LABELS, RUNNING
from penstock.wire.usage import Usage
from tests.ledger.calls import call


def test_a_call_is_counted_by_model_task_arm_and_status() -> None:
    metrics = Metrics()
    edit = EditRecord(lever="cache", why="w", saving=None, risk=Risk.EXACT)
    usage = Usage(input_uncached=10, cache_read=7, output=5)
    metrics.heard(
        call(
            arm="treated",
            usage=usage,
            cost=Picodollars(10**12),
            cost_before=Picodollars(3 * 10**12),
            edits=(edit,),
            notes=(Note("cap", "w"), Note("cache", "w", "waits")),
            latency_ms=300.0,
            ttft_ms=20.0,
        )
    )
    lines = metrics.text().splitlines()
    model = 'gen_ai_operation_name="chat",gen_ai_provider_name="anthropic",gen_ai_request_model="claude-haiku-4-5"'
    expected = [
        'penstock_calls_total{task="triage",model="claude-haiku-4-5",arm="treated",status="200"} 1',
        f"penstock_cost_usd_total{{{model}}} 1.0",
        f"penstock_saved_usd{{{model}}} 2.0",
        'penstock_saved_by_lever_usd{lever="cache"} 2.0',
        f'gen_ai_client_token_usage_total{{{model},gen_ai_token_type="cache_read"}} 7',
        'penstock_edits_total{lever="cache"} 1',
        'penstock_stand_downs_total{lever="cap",did="stands down"} 1',
        'penstock_stand_downs_total{lever="cache",did="waits"} 1',
        f'gen_ai_client_operation_duration_seconds_bucket{{{model},le="0.25"}} 0',
        f'gen_ai_client_operation_duration_seconds_bucket{{{model},le="0.5"}} 1',
        f'gen_ai_client_operation_duration_seconds_bucket{{{model},le="+Inf"}} 1',
        f"gen_ai_client_operation_duration_seconds_count{{{model}}} 1",
        f'gen_ai_server_time_to_first_token_seconds_bucket{{{model},le="0.05"}} 1',
    ]
    for line in expected:
        assert line in lines


def test_an_unknown_cost_is_counted_and_in_no_sum() -> None:
    metrics = Metrics()
    metrics.heard(call(cost=None, usage=None))
    assert "penstock_unknown_cost_calls_total" in metrics.text()
    assert f"{COST_USD}{{" not in metrics.text()


def test_labels_are_escaped_and_series_are_bounded() -> None:
    metrics = Metrics()
    metrics.heard(call(task='say "hi"\n\\'))
    assert 'task="say \\"hi\\"\\n\\\\"' in metrics.text()
    for number in range(MOST_SERIES + 50):
        metrics.heard(call(task=f"t{number}"))
    text = metrics.text()
    assert text.count("penstock_calls_total{") <= MOST_SERIES + 1
    assert 'task="other"' in text


def test_what_the_gateway_adds_is_told_in_parts_of_a_millisecond() -> None:
    metrics = Metrics()
    metrics.added("gateway", 0.0002)
    metrics.added("gateway", 0.003)
    lines = metrics.text().splitlines()
    for le, count in (("0.0001", 0), ("0.00025", 1), ("0.0025", 1), ("0.005", 2), ("30.0", 2), ("+Inf", 2)):
        assert f'penstock_added_latency_seconds_bucket{{part="gateway",le="{le}"}} {count}' in lines


def test_gauges_and_failures_are_shown_with_their_help() -> None:
    text = Metrics().text([(RUNNING, (), 3)], {"cap: KeyError": 2})
    assert f"# HELP {RUNNING} {HELP[RUNNING][1]}\n# TYPE {RUNNING} gauge\n{RUNNING} 3" in text
    assert 'penstock_failed_open_total{fault="cap: KeyError"} 2' in text


def test_every_metric_has_its_help_and_the_labels_that_it_is_said_to_have() -> None:
    assert set(HELP) == set(LABELS)
    metrics = Metrics()
    edit = EditRecord(lever="cache", why="w", saving=None, risk=Risk.EXACT)
    usage = Usage(input_uncached=10, output=5)
    cost, before = Picodollars(10**12), Picodollars(3 * 10**12)
    metrics.heard(call(arm="treated", usage=usage, cost=cost, cost_before=before, edits=(edit,), latency_ms=300.0))
    metrics.heard(call(id="b", cost=None))
    metrics.added("gateway", 0.0002)
    shown: dict[str, set[tuple[str, ...]]] = {}
    for name, labels in re.findall(r"^(\w+)\{(.*)\}", metrics.text(failures={"cap: KeyError": 2}), re.MULTILINE):
        family = re.sub("_(bucket|sum|count)$", "", name)
        shown.setdefault(family, set()).add(tuple(key for key in re.findall(r"(\w+)=", labels) if key != "le"))
    assert len(shown) > 5
    assert shown == {name: {LABELS[name]} for name in shown}
