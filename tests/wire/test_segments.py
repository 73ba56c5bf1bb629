from __future__ import annotations

import pytest

from penstock.wire.segments import Level, Marker, Segment


def segment() -> Segment:
    return Segment(
        level=Level.MESSAGES, kind="text", role="user", message=0, path=("a", 0), size=4, digest=b"d", prefix=b"p"
    )


def test_levels_have_the_names_of_the_render_order() -> None:
    assert [str(level) for level in Level] == ["tools", "system", "messages"]


def test_a_segment_is_a_value() -> None:
    assert segment() == segment()
    with pytest.raises(AttributeError):
        segment().size = 5  # type: ignore[misc]


def test_a_plain_segment_has_no_marker_and_no_attachments() -> None:
    plain = segment()
    assert (plain.marker, plain.images, plain.attached, plain.ends_message) == (None, 0, 0, False)
    assert Marker("5m") != Marker("1h")
