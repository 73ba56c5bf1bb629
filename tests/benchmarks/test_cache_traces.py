from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cache_traces import SETTINGS, bound, mark_always, penstock, read_trace, row, shuffled, unique
from benchmarks.trace_blocks import BLOCK, Request, Setting
from penstock.levers.cache.guard import FLOAT_TOKENS, SHARE


@st.composite
def traces(draw: st.DrawFn) -> list[Request]:
    """Prompts of up to 100,000 tokens, each beside or after another for some blocks, seconds to an hour apart."""
    at, fresh = 0.0, 0
    made: list[Request] = []
    for _ in range(draw(st.integers(1, 30))):
        at += draw(st.sampled_from((1.0, 40.0, 200.0, 299.0, 301.0, 1000.0, 3600.0)))
        shared = draw(st.sampled_from([(), *(one.blocks for one in made)]))
        kept = tuple(shared[: draw(st.integers(0, len(shared)))])
        new = draw(st.integers(1, 200))
        blocks = (*kept, *range(fresh, fresh + new))
        fresh += new
        made.append(Request(at, BLOCK * len(blocks) - draw(st.integers(0, BLOCK - 1)), blocks))
    return made


@settings(max_examples=60)
@given(traces(), st.sampled_from(SETTINGS))
def test_the_cost_is_never_above_no_caching_by_more_than_the_guard_allows(
    trace: list[Request], setting: Setting
) -> None:
    plain = 0.0
    for request, cost in zip(trace, penstock(trace, setting), strict=True):
        plain += request.tokens
        assert cost <= plain + FLOAT_TOKENS + SHARE * plain + 1e-6


@settings(max_examples=60)
@given(traces(), st.sampled_from(SETTINGS))
def test_no_policy_is_cheaper_than_the_clairvoyant(trace: list[Request], setting: Setting) -> None:
    best = bound(trace, setting.multipliers)
    assert best <= sum(request.tokens for request in trace) + 1e-6
    assert best <= penstock(trace, setting)[-1] + 1e-6
    for lifetime in (0, 1):
        assert best <= mark_always(trace, setting.multipliers, lifetime)[-1] + 1e-6


def test_a_prompt_that_comes_each_minute_is_soon_read_and_not_paid_in_full() -> None:
    trace = [Request(60.0 * n, 20 * BLOCK, range(20)) for n in range(60)]
    costs = penstock(trace, SETTINGS[0])
    assert costs[-1] - costs[-2] == pytest.approx(0.1 * 20 * BLOCK)
    assert costs[-1] < 0.3 * 60 * 20 * BLOCK


def test_variants_keep_the_times_and_the_sizes() -> None:
    trace = [Request(float(n), BLOCK * (n + 1), range(n + 1)) for n in range(9)]
    mixed, alone = shuffled(trace, 7), unique(trace)
    assert [one.at for one in mixed] == [one.at for one in alone] == [one.at for one in trace]
    assert sorted(one.tokens for one in mixed) == [one.tokens for one in trace]
    assert [one.tokens for one in alone] == [one.tokens for one in trace]
    every = [block for one in alone for block in one.blocks]
    assert len(set(every)) == len(every)


def test_a_trace_is_read_in_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    rows = [{"t_ms": 2000, "in_tok": 600, "blocks": [1, 2]}, {"t_ms": 1000, "in_tok": 512, "blocks": [1]}]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert read_trace(path) == [Request(1.0, 512, [1]), Request(2.0, 600, [1, 2])]


def test_a_row_has_the_figures_with_and_without_requests_of_our_own() -> None:
    trace = [Request(60.0 * n, 20 * BLOCK, range(20)) for n in range(60)]
    found = row("trace", "as-is", trace, SETTINGS[0])
    assert found["penstock"] == round(penstock(trace, SETTINGS[0])[-1] / (60 * 20 * BLOCK), 5)
    assert (found["penstock_kept_alive"], found["kept_alive_requests"]) == (found["penstock"], 0)
    assert found["share_of_bound_kept_alive"] == found["share_of_bound"]
