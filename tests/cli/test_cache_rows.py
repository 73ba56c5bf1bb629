from __future__ import annotations

import io

from rich.console import Console

from penstock.cli.cache_rows import show_cache
from penstock.engine.edit import Note
from penstock.ledger.caching import cache_figures
from penstock.wire.diagnostics import Diagnosis
from penstock.wire.usage import Usage
from tests.ledger.calls import call


def test_promises_stand_downs_and_the_latest_alarms_are_shown() -> None:
    usage = Usage(input_uncached=100, cache_read=9000)
    calls = [
        call(n, model_sent="claude-opus-5-5", predicted=usage, usage=usage, notes=(Note("cache", "4.2 reads"),))
        for n in range(3)
    ]
    calls += [call(n, alarm=f"alarm number {n}") for n in range(10, 18)]
    out = io.StringIO()
    show_cache(cache_figures(calls), Console(file=out, width=200))
    shown = out.getvalue()
    assert "3 of 3" in shown
    assert "27,000" in shown
    assert "triage: cache stands down in 3 calls, the last: 4.2 reads" in shown
    assert "8 alarms of cache drift, the latest:" in shown
    assert "alarm number 12" not in shown
    assert "cache drift 1970-01-01T00:16:57Z: alarm number 17" in shown


def test_what_the_provider_said_of_prompts_is_shown_with_what_it_cost() -> None:
    foreseen, usage = Usage(input_uncached=100, cache_read=9000), Usage(input_uncached=9100)
    said = Diagnosis(outcome="diverged", reason="tools_changed", missed=9000)
    calls = [call(n, model_sent="claude-opus-5-5", predicted=foreseen, usage=usage, diagnosis=said) for n in range(2)]
    out = io.StringIO()
    show_cache(cache_figures(calls), Console(file=out, width=200))
    assert (
        "triage on claude-opus-5-5: the provider says tools_changed in 2 calls, 18,000 tokens not read; "
        "2 of them against what was foreseen"
    ) in out.getvalue()
