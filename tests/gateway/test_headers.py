from __future__ import annotations

from penstock.gateway.headers import backward, header, replaced, take_apart


def test_hop_by_hop_headers_and_ours_end_here_and_the_rest_keeps_its_order() -> None:
    asked = take_apart(
        [
            (b"host", b"gateway"),
            (b"anthropic-beta", b"b"),
            (b"connection", b"keep-alive, X-Hop"),
            (b"x-hop", b"1"),
            (b"te", b"trailers"),
            (b"content-length", b"12"),
            (b"x-penstock-task", b"t\xc3\xa9"),
            (b"expect", b"100-continue"),
            (b"anthropic-beta", b"a"),
            (b"x-api-key", b"k"),
        ]
    )
    assert asked.forwarded == [(b"anthropic-beta", b"b"), (b"anthropic-beta", b"a"), (b"x-api-key", b"k")]
    assert asked.ours == {"x-penstock-task": "té"}
    assert (asked.length, asked.key, asked.bearer, asked.anthropic) == (12, b"k", False, True)


def test_a_bearer_key_is_seen_and_forwarded() -> None:
    asked = take_apart([(b"authorization", b"bearer sk-1"), (b"content-encoding", b"gzip")])
    assert (asked.key, asked.bearer, asked.anthropic, asked.encoding) == (b"sk-1", True, False, "gzip")
    assert asked.forwarded == [(b"authorization", b"bearer sk-1"), (b"content-encoding", b"gzip")]
    assert take_apart([(b"authorization", b"Basic x")]).key is None


def test_a_provider_s_headers_come_back_without_the_hop() -> None:
    lines = [(b"connection", b"close, x-internal"), (b"x-internal", b"1"), (b"request-id", b"r"), (b"te", b"x")]
    assert backward(lines) == [(b"request-id", b"r")]
    assert backward([(b"a", b"1"), (b"a", b"2")]) == [(b"a", b"1"), (b"a", b"2")]


def test_a_header_is_read_and_replaced() -> None:
    lines = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]
    assert header(lines, b"a") == "1"
    assert header(lines, b"c") is None
    assert replaced(lines, b"a", b"x") == [(b"a", b"x"), (b"b", b"2")]
    assert replaced(lines, b"c", b"x") == [*lines, (b"c", b"x")]
