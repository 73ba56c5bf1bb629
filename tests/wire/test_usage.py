from __future__ import annotations

from penstock.wire.usage import Usage


def test_the_buckets_are_disjoint_so_totals_are_sums() -> None:
    usage = Usage(
        input_uncached=1,
        cache_read=10,
        cache_write_5m=100,
        cache_write_1h=1_000,
        cache_write_30m=10_000,
        cache_write_12h=100_000,
        output=7,
        output_reasoning=3,
    )
    assert usage.cache_write == 111_100
    assert usage.input_total == 111_111


def test_reasoning_that_was_not_reported_is_none_not_zero() -> None:
    assert Usage(input_uncached=0).output_reasoning is None
