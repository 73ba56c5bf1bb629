from __future__ import annotations

import struct
from base64 import b64encode

import pytest

from penstock.simulator.images import DEFAULT_SIZE, image_tokens, size_of_base64, size_of_bytes


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + b"\x08\x06\x00\x00\x00"


def test_a_thousand_by_thousand_image_has_the_documented_count() -> None:
    assert image_tokens("anthropic", (1000, 1000)) == 1296


def test_large_images_stop_at_the_cap() -> None:
    assert image_tokens("anthropic", (4000, 4000)) == 1568
    assert image_tokens("openai", (4000, 4000)) == 1536


def test_low_detail_is_flat() -> None:
    assert image_tokens("openai", (2000, 2000), "low") == image_tokens("openai", (10, 10), "low") == 85


@pytest.mark.parametrize(
    "raw",
    [
        png(640, 480),
        b"GIF89a" + struct.pack("<HH", 640, 480),
        b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 480, 640) + b"\x03",
        b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little"),
        b"RIFF\x00\x00\x00\x00WEBPVP8L" + bytes(5) + (639 | 479 << 14).to_bytes(4, "little"),
        b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(10) + struct.pack("<HH", 640, 480),
    ],
)
def test_the_size_is_read_from_the_header(raw: bytes) -> None:
    assert size_of_bytes(raw) == (640, 480)


@pytest.mark.parametrize("raw", [b"", b"plain text", png(0, 5), b"\xff\xd8\x00\x00", b"RIFF1234WEBPVP8?" + bytes(20)])
def test_an_unreadable_header_gives_no_size(raw: bytes) -> None:
    assert size_of_bytes(raw) is None


def test_t23_an_image_is_never_counted_by_its_bytes() -> None:
    small = b64encode(png(100, 100)).decode()
    padded = b64encode(png(100, 100) + bytes(200_000)).decode()
    assert size_of_base64(small) == size_of_base64(f"data:image/png;base64,{padded}") == (100, 100)


def test_data_that_is_no_base64_counts_as_the_default_size() -> None:
    assert size_of_base64("é not base64") == DEFAULT_SIZE
    assert size_of_base64("") == DEFAULT_SIZE
