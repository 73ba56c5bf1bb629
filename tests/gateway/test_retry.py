from __future__ import annotations

import pytest

from penstock.gateway.retry import may_repeat, repeats_by_itself, retry_after, wait_of


@pytest.mark.parametrize(
    ("status", "word", "again"),
    [
        (429, None, True),
        (529, None, True),
        (503, None, True),
        (400, None, False),
        (200, None, False),
        (429, b"false", False),
        (400, b"true", True),
    ],
)
def test_the_provider_s_word_counts_before_the_status(status: int, word: bytes | None, again: bool) -> None:
    assert may_repeat(status, [] if word is None else [(b"x-should-retry", word)]) is again


def test_an_sdk_says_that_it_repeats_by_itself() -> None:
    assert repeats_by_itself([(b"a", b"b"), (b"x-stainless-retry-count", b"0")])
    assert not repeats_by_itself([(b"a", b"b")])


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([(b"retry-after", b"7")], 7.0),
        ([(b"retry-after", b"7"), (b"retry-after-ms", b"250")], 0.25),
        ([(b"retry-after", b"Thu, 01 Jan 1970 00:01:40 GMT")], 90.0),
        ([(b"retry-after", b"-3")], 0.0),
        ([(b"retry-after", b"soon")], None),
        ([], None),
    ],
)
def test_when_to_come_back_is_read(lines: list[tuple[bytes, bytes]], seconds: float | None) -> None:
    assert retry_after(lines, 10.0) == seconds


def test_without_a_word_waits_grow_and_are_spread() -> None:
    waits = [wait_of(tries, [], now=0.0, draw=0.0) for tries in (1, 2, 3, 9)]
    assert waits == [0.5, 1.0, 2.0, 8.0]
    assert wait_of(1, [], now=0.0, draw=1.0) == 0.375
    assert wait_of(5, [(b"retry-after", b"1")], now=0.0, draw=0.5) == 1.0
