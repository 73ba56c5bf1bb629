from __future__ import annotations

import gzip
import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.wire.content_encoding import decoder_of, plain_body, plain_within

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


@pytest.mark.parametrize("encoding", sorted(PACKED))
def test_a_request_body_is_read_up_to_its_limit(encoding: str) -> None:
    packed = PACKED[encoding]
    assert plain_within(packed, encoding, len(TEXT)) == TEXT
    assert plain_within(packed, encoding, len(TEXT) - 1) is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_request_body_that_is_cut_or_is_of_another_encoding_is_not_read(encoding: str) -> None:
    assert plain_within(PACKED[encoding][:-9], encoding, 10_000) is None
    assert plain_within(b"\x00nothing", encoding, 10_000) is None
    assert plain_within(TEXT, "br", 10_000) is None


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "br"]))
def test_no_bytes_make_the_reading_raise(data: bytes, encoding: str) -> None:
    plain = plain_within(data, encoding, 1000)
    assert plain is None or len(plain) <= 1000
