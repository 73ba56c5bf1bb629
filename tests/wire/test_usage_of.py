from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from penstock.wire.usage_of import service_tier_of, usage_from_object, usage_of

A, C, R = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES


def anthropic(**usage: Any) -> Usage:
    return usage_from_object(A, {"input_tokens": 0, "output_tokens": 0, **usage})


def responses(total: int, output: int = 0, **usage: Any) -> Usage:
    return usage_from_object(R, {"input_tokens": total, "output_tokens": output, **usage})


def test_t17_anthropic_input_excludes_what_the_cache_served_and_stored() -> None:
    usage = anthropic(
        input_tokens=11,
        cache_read_input_tokens=200,
        cache_creation_input_tokens=3_000,
        cache_creation={"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 2_000},
        output_tokens=40,
        output_tokens_details={"thinking_tokens": 30},
        server_tool_use={"web_search_requests": 2, "web_fetch_requests": 5},
    )
    assert usage == Usage(
        input_uncached=11,
        cache_read=200,
        cache_write_5m=1_000,
        cache_write_1h=2_000,
        output=40,
        output_reasoning=30,
        web_searches=2,
    )
    assert usage.input_total == 3_211


def test_t17_openai_totals_include_what_the_cache_served_and_stored() -> None:
    usage = usage_from_object(
        C,
        {
            "prompt_tokens": 3_211,
            "completion_tokens": 40,
            "total_tokens": 3_251,
            "prompt_tokens_details": {"cached_tokens": 200, "cache_write_tokens": 3_000, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 30, "rejected_prediction_tokens": 5},
        },
    )
    assert usage == Usage(input_uncached=11, cache_read=200, cache_write_30m=3_000, output=40, output_reasoning=30)


def test_responses_split_their_writes_by_lifetime() -> None:
    details = {
        "cached_tokens": 10,
        "cache_write_tokens": 60,
        "cache_write_tokens_details": {"ttl_30m_tokens": 20, "ttl_12h_tokens": 40},
    }
    usage = responses(100, 5, input_tokens_details=details, output_tokens_details={"reasoning_tokens": 0})
    assert usage == Usage(
        input_uncached=30, cache_read=10, cache_write_30m=20, cache_write_12h=40, output=5, output_reasoning=0
    )


@pytest.mark.parametrize(
    ("flat", "short", "long", "expected"),
    [(500, 300, 0, (500, 0)), (500, 0, 300, (200, 300)), (100, 0, 300, (0, 100)), (0, 5, 5, (0, 0))],
)
def test_t17_parts_that_do_not_sum_yield_to_the_flat_count(
    flat: int, short: int, long: int, expected: tuple[int, int]
) -> None:
    usage = anthropic(
        cache_creation_input_tokens=flat,
        cache_creation={"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long},
    )
    assert (usage.cache_write_5m, usage.cache_write_1h) == expected
    assert usage.flags == ("cache_creation_parts_do_not_sum",)


def test_writes_without_a_split_count_as_short_and_say_so() -> None:
    usage = anthropic(cache_creation_input_tokens=500)
    assert (usage.cache_write_5m, usage.cache_write_1h) == (500, 0)
    assert usage.flags == ("cache_creation_split_missing",)
    assert anthropic(cache_creation_input_tokens=0).flags == ()


def test_a_split_without_the_flat_count_is_enough() -> None:
    usage = anthropic(cache_creation={"ephemeral_1h_input_tokens": 7})
    assert (usage.cache_write_1h, usage.cache_write_reported, usage.flags) == (7, True, ())


def test_openai_parts_that_do_not_sum_yield_to_the_flat_count() -> None:
    details = {
        "cached_tokens": 0,
        "cache_write_tokens": 60,
        "cache_write_tokens_details": {"ttl_30m_tokens": 20, "ttl_12h_tokens": 20},
    }
    usage = responses(100, input_tokens_details=details)
    assert (usage.cache_write_30m, usage.cache_write_12h, usage.input_uncached) == (40, 20, 40)
    assert usage.flags == ("cache_write_parts_do_not_sum",)


def test_writes_that_were_not_reported_are_not_zero_writes() -> None:
    assert not responses(9, input_tokens_details={"cached_tokens": 0}).cache_write_reported
    assert responses(9, input_tokens_details={"cached_tokens": 0, "cache_write_tokens": 0}).cache_write_reported
    assert not anthropic().cache_write_reported
    assert anthropic(cache_creation_input_tokens=0).cache_write_reported


def test_usage_without_details_is_all_plain_input_and_says_so() -> None:
    usage = responses(9, 2)
    assert (usage.input_uncached, usage.cache_read, usage.output_reasoning) == (9, 0, None)
    assert usage.flags == ("cached_tokens_not_reported",)


@pytest.mark.parametrize(
    ("details", "split", "flag"),
    [
        ({"cached_tokens": 150}, (0, 100, 0), "cached_exceeds_input"),
        ({"cached_tokens": 60, "cache_write_tokens": 50}, (0, 60, 40), "cache_write_exceeds_input"),
        ({"cached_tokens": -5}, (100, 0, 0), "cached_tokens_is_not_a_count"),
        ({"cached_tokens": True}, (100, 0, 0), "cached_tokens_is_not_a_count"),
        (5, (100, 0, 0), "input_tokens_details_is_not_an_object"),
    ],
)
def test_parts_larger_than_the_total_are_flagged_and_the_total_holds(
    details: Any, split: tuple[int, int, int], flag: str
) -> None:
    usage = responses(100, input_tokens_details=details)
    assert (usage.input_uncached, usage.cache_read, usage.cache_write) == split
    assert flag in usage.flags


def test_a_total_that_does_not_sum_is_flagged() -> None:
    details = {"cached_tokens": 0}
    assert responses(9, 2, total_tokens=11, input_tokens_details=details).flags == ()
    assert responses(9, 2, total_tokens=12, input_tokens_details=details).flags == ("total_does_not_sum",)


def test_compaction_is_paid_though_the_top_level_leaves_it_out() -> None:
    first = {"type": "compaction", "input_tokens": 150_000, "output_tokens": 3_000, "cache_read_input_tokens": 50}
    second = {
        "type": "message",
        "input_tokens": 4_000,
        "output_tokens": 500,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0},
        "output_tokens_details": {"thinking_tokens": 20},
    }
    usage = anthropic(
        input_tokens=4_000,
        output_tokens=500,
        iterations=[first, second],
        server_tool_use={"web_search_requests": 1},
    )
    assert usage == Usage(
        input_uncached=154_000,
        cache_read=50,
        cache_write_5m=7,
        output=3_500,
        output_reasoning=20,
        web_searches=1,
        flags=("compaction_included",),
    )


@pytest.mark.parametrize(
    ("iterations", "flags"),
    [
        ([{"type": "message", "input_tokens": 99, "output_tokens": 99}], ()),
        ([], ()),
        (None, ()),
        ("odd", ("iterations_unreadable",)),
        ([5], ("iterations_unreadable",)),
    ],
)
def test_iterations_without_a_compaction_change_nothing(iterations: Any, flags: tuple[str, ...]) -> None:
    usage = anthropic(input_tokens=4, output_tokens=5, iterations=iterations)
    assert (usage.input_uncached, usage.output, usage.flags) == (4, 5, flags)


def test_web_searches_of_responses_are_output_items() -> None:
    body = {
        "output": [{"type": "web_search_call"}, {"type": "message"}, {"type": "web_search_call"}, {"type": 5}],
        "usage": {"input_tokens": 1, "output_tokens": 1, "input_tokens_details": {"cached_tokens": 0}},
    }
    for given_body in (body, json.dumps(body).encode()):
        usage = usage_of(R, given_body)
        assert usage is not None
        assert usage.web_searches == 2


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        b'{"usage":null}',
        b'{"usage":[]}',
        b'{"usage":{}}',
        b'{"usage":{"x":1}}',
    ],
)
def test_absent_usage_is_none(dialect: Dialect, body: bytes) -> None:
    assert usage_of(dialect, body) is None
    try:
        decoded = json.loads(body)
    except ValueError:
        return
    if isinstance(decoded, dict):
        assert usage_of(dialect, decoded) is None


@given(st.sampled_from(list(Dialect)), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_body_in_bytes_and_one_that_is_decoded_say_the_same(dialect: Dialect, total: int, output: int) -> None:
    names = ("prompt_tokens", "completion_tokens") if dialect is C else ("input_tokens", "output_tokens")
    body = {"id": "x", "content": ["é" * 50], "usage": dict(zip(names, (total, output), strict=True))}
    usage = usage_of(dialect, body)
    assert usage == usage_of(dialect, json.dumps(body).encode())
    assert usage is not None
    assert (usage.input_total, usage.output) == (total, output)


def test_a_number_beyond_any_float_is_flagged_not_taken_for_absence() -> None:
    usage = usage_of(A, b'{"usage":{"input_tokens":1e999,"output_tokens":5}}')
    assert usage is not None
    assert (usage.output, usage.flags) == (5, ("input_tokens_is_not_a_count",))


_ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "cached_tokens",
                    "cache_write_tokens",
                    "ephemeral_5m_input_tokens",
                    "ttl_12h_tokens",
                    "thinking_tokens",
                ]
            ),
            inner,
        )
    ),
    max_leaves=4,
)
_ODD_USAGE = st.dictionaries(
    st.sampled_from(
        [
            "input_tokens",
            "output_tokens",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "cache_creation",
            "input_tokens_details",
            "prompt_tokens_details",
            "output_tokens_details",
            "server_tool_use",
            "iterations",
        ]
    ),
    _ODD,
)


@given(st.sampled_from(list(Dialect)), _ODD_USAGE)
def test_odd_reports_never_crash_and_never_make_a_bucket_negative(dialect: Dialect, usage: dict[str, Any]) -> None:
    found = usage_from_object(dialect, usage)
    counts = [value for value in msgspec.structs.astuple(found) if isinstance(value, int)]
    assert all(value >= 0 for value in counts)
    usage_of(dialect, {"usage": usage})


def test_the_tier_is_where_each_provider_says_it() -> None:
    assert service_tier_of(A, {"usage": {"service_tier": "batch"}, "service_tier": "x"}) == "batch"
    assert service_tier_of(C, b'{"service_tier":"flex"}') == "flex"
    assert service_tier_of(R, {"service_tier": "priority"}) == "priority"
    for odd in ({}, b"{}", b"x", {"usage": 5}, {"service_tier": 5}):
        assert service_tier_of(A, odd) is service_tier_of(C, odd) is None
