from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.wire.content_encoding import decoder_of, plain_body

TEXT = b'data: {"type":"ping"}\n\n' * 40


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
    "deflate": zlib.compress(TEXT),
    "Deflate": raw_deflate(TEXT),
    "identity": TEXT,
}


@settings(max_examples=60)
@given(st.sampled_from(sorted(PACKED)), st.lists(st.integers(0, 400), max_size=8))
def test_a_body_comes_out_plain_however_it_is_split(encoding: str, cuts: list[int]) -> None:
    packed = PACKED[encoding]
    decoder = decoder_of(encoding)
    assert decoder is not None
    edges = sorted({0, len(packed), *(min(cut, len(packed)) for cut in cuts)})
    assert b"".join(decoder.feed(packed[a:b]) for a, b in pairwise(edges)) == TEXT


def test_a_body_without_an_encoding_is_the_same_object() -> None:
    assert plain_body(TEXT, None) is TEXT
    assert plain_body(PACKED["gzip"], "gzip") == TEXT


@pytest.mark.parametrize(("body", "encoding"), [(TEXT, "br"), (TEXT, "gzip"), (b"\x78\x9c\xff\xff\xff", "deflate")])
def test_what_cannot_be_read_is_none(body: bytes, encoding: str) -> None:
    assert plain_body(body, encoding) is None


def test_an_unknown_encoding_has_no_decoder() -> None:
    assert decoder_of("zstd") is None
