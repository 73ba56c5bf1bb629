from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.estimate import BYTES_PER_TOKEN, IMAGE_TOKENS, estimate_bytes, estimate_tokens, share_out
from penstock.wire.segments import Level, Segment
from tests.wire.requests import view_of

_TEXT = Segment(level=Level.SYSTEM, kind="text", role="system", message=-1, path=(), size=3800, digest=b"", prefix=b"")


def test_t16_the_newer_tokenizer_counts_about_a_third_more_for_the_same_text() -> None:
    ratio = estimate_tokens(_TEXT, "claude-4.7") / estimate_tokens(_TEXT, "claude")
    assert 1.25 < ratio < 1.4


def test_a_longer_text_has_more_tokens_and_json_has_more_than_prose() -> None:
    longer = msgspec.structs.replace(_TEXT, size=4000)
    tool = msgspec.structs.replace(_TEXT, kind="tool")
    for family in (*BYTES_PER_TOKEN, "some other family"):
        assert estimate_tokens(longer, family) > estimate_tokens(_TEXT, family)
        assert estimate_tokens(tool, family) > estimate_tokens(_TEXT, family)
        assert estimate_bytes(0, family) == 0


def test_t23_an_image_counts_as_an_image_however_many_bytes_it_has() -> None:
    counts = []
    for size in (3_000, 3_000_000):
        data = base64.b64encode(b"\x89PNG" + bytes(size)).decode()
        source = {"type": "base64", "media_type": "image/png", "data": data}
        view = view_of(
            Dialect.ANTHROPIC_MESSAGES,
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]},
        )
        counts.append(estimate_tokens(view.segments[0], "claude"))
    assert counts[0] == counts[1]
    assert IMAGE_TOKENS < counts[0] < IMAGE_TOKENS + 50


def test_t23_documents_count_by_the_page_and_audio_by_the_second() -> None:
    document = msgspec.structs.replace(_TEXT, kind="document", size=20, attached=800_000)
    audio = msgspec.structs.replace(_TEXT, kind="audio", size=20, attached=210_000)
    assert 15_000 < estimate_tokens(document, "claude") < 25_000
    assert 90 < estimate_tokens(audio, "claude") < 130
    tiny = msgspec.structs.replace(_TEXT, kind="document", size=20, attached=300)
    assert estimate_tokens(tiny, "claude") > 1_000


@given(
    st.integers(0, 10**7),
    st.lists(st.floats(0, 1e9, allow_nan=False) | st.integers(0, 10**6), min_size=1, max_size=30),
)
def test_shares_sum_to_the_total_and_follow_the_weights(total: int, weights: list[float]) -> None:
    shares = share_out(total, weights)
    assert sum(shares) == total
    assert all(share >= 0 for share in shares)
    whole = sum(weights)
    if whole > 0:
        assert all(abs(share - total * weight / whole) <= 1.01 for share, weight in zip(shares, weights, strict=True))


def test_equal_weights_share_equally_and_the_first_get_the_rest() -> None:
    assert share_out(7, [1.0, 1.0, 1.0]) == [3, 2, 2]
    assert share_out(2, [0.0, 0.0, 0.0]) == [1, 1, 0]
    assert share_out(0, []) == []


@pytest.mark.parametrize(("total", "weights"), [(-1, [1.0]), (1, [-1.0]), (1, [])])
def test_what_cannot_be_shared_is_refused(total: int, weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"weights"):
        share_out(total, weights)
