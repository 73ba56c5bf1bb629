from __future__ import annotations

from penstock.cachemodel.admission import Admission, Rejected, Split
from penstock.errors import CallerError
from penstock.models.profile import Regime
from penstock.wire.usage import Basis


def test_a_split_becomes_usage_bucket_by_bucket() -> None:
    split = Split(plain=1, read=2, write_5m=3, write_1h=4, write_30m=5, write_12h=6)
    usage = Admission(regime=Regime.ANTHROPIC, at=0, split=split).usage(output=7, reasoning=1)
    assert (usage.input_uncached, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) == (1, 2, 3, 4)
    assert (usage.cache_write_30m, usage.cache_write_12h, usage.output, usage.output_reasoning) == (5, 6, 7, 1)
    assert usage.input_total == split.total == 21
    assert usage.basis is Basis.DERIVED
    assert usage.cache_write_reported


def test_the_grid_says_nothing_of_writes() -> None:
    assert not Admission(regime=Regime.OPENAI_GRID, at=0, split=Split(plain=1)).usage().cache_write_reported


def test_a_refusal_is_the_callers_fault() -> None:
    refusal = Rejected("no")
    assert isinstance(refusal, CallerError)
    assert (refusal.status, refusal.kind, str(refusal)) == (400, "invalid_request_error", "no")
