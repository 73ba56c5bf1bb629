from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.raw import Raw
from penstock.wire.weight import Weight, weigh

_DATA = base64.b64encode(bytes(range(256)) * 8)


def raw(value: object) -> Raw:
    return Raw(json.dumps(value).encode())


def test_text_weighs_its_bytes() -> None:
    value = raw("a sentence of several words, " * 40)
    assert weigh(value) == Weight(len(value))


@pytest.mark.parametrize("value", [{"data": _DATA.decode()}, {"url": "data:image/png;base64," + _DATA.decode()}])
def test_t23_base64_is_told_apart_from_text(value: dict[str, str]) -> None:
    weight = weigh(raw(value))
    assert weight.attached >= len(_DATA)
    assert weight.size < 20
    assert weight.size + weight.attached == len(raw(value))


def test_base64_with_escaped_slashes_is_still_base64() -> None:
    value = Raw(b'{"data":"' + _DATA.replace(b"/", b"\\/") + b'"}')
    assert weigh(value).attached > len(_DATA)


def test_t23_images_inside_a_tool_result_are_counted() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _DATA.decode()}}
    weight = weigh(raw([{"type": "text", "text": "two"}, image, image]))
    assert weight.images == 2
    assert weight.attached == 2 * (len(_DATA) + 2)


def test_text_that_only_quotes_an_image_is_not_one() -> None:
    assert weigh(raw(json.dumps({"type": "image"}))).images == 0


@given(
    st.recursive(
        st.text(max_size=20) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_nothing_is_lost_between_text_and_attachments(value: object) -> None:
    weight = weigh(raw(value))
    assert weight.size + weight.attached == len(raw(value))


def test_weights_add_up() -> None:
    assert Weight(1, 2, 3) + Weight(10, 20, 30) == Weight(11, 22, 33)
