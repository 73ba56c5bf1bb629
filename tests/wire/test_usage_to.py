from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from penstock.wire.usage_of import usage_from_object
from penstock.wire.usage_to import usage_object

_COUNTS = st.lists(st.integers(0, 10**6), min_size=4, max_size=4)


@given(_COUNTS, st.none() | st.just(3), st.integers(0, 3))
def test_anthropic_usage_survives_the_way_out_and_in(counts: list[int], reasoning: int | None, searches: int) -> None:
    plain, read, short, long = counts
    usage = Usage(
        input_uncached=plain,
        cache_read=read,
        cache_write_5m=short,
        cache_write_1h=long,
        output=9,
        output_reasoning=reasoning,
        web_searches=searches,
    )
    written = json.loads(json.dumps(usage_object(Dialect.ANTHROPIC_MESSAGES, usage)))
    assert usage_from_object(Dialect.ANTHROPIC_MESSAGES, written) == usage


@given(st.sampled_from([Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES]), _COUNTS, st.booleans())
def test_openai_usage_survives_the_way_out_and_in(dialect: Dialect, counts: list[int], reported: bool) -> None:
    plain, read, short, long = counts
    usage = Usage(
        input_uncached=plain,
        cache_read=read,
        cache_write_30m=short if reported else 0,
        cache_write_12h=long if reported and dialect is Dialect.OPENAI_RESPONSES else 0,
        output=9,
        output_reasoning=4,
        cache_write_reported=reported,
    )
    written = usage_object(dialect, usage)
    assert usage_from_object(dialect, json.loads(json.dumps(written))) == usage
    assert written["total_tokens"] == usage.input_total + usage.output


@pytest.mark.parametrize(
    ("dialect", "bucket"),
    [
        (Dialect.ANTHROPIC_MESSAGES, "cache_write_30m"),
        (Dialect.ANTHROPIC_MESSAGES, "cache_write_12h"),
        (Dialect.OPENAI_CHAT, "cache_write_5m"),
        (Dialect.OPENAI_CHAT, "cache_write_12h"),
        (Dialect.OPENAI_RESPONSES, "cache_write_1h"),
    ],
)
def test_a_bucket_that_the_provider_does_not_have_is_refused(dialect: Dialect, bucket: str) -> None:
    with pytest.raises(ValueError, match=r"no .* cache writes"):
        usage_object(dialect, Usage(input_uncached=1, **{bucket: 5}))
