"""How big a part of a prompt is, with attachments told apart: base64 is not text (trap T23)."""

from __future__ import annotations

import re

import msgspec

from penstock.wire.raw import is_string

_SHORTEST_ATTACHMENT = 256
_BASE64 = re.compile(rb'"(?:data:[^";,]{0,100};base64,)?[A-Za-z0-9+/_\\-]{256,}+={0,2}"')
_IMAGE = re.compile(rb'"type"[ \t\n\r]*:[ \t\n\r]*"(?:image|image_url|input_image)"')


class Weight(msgspec.Struct, frozen=True):
    """How big a value is.

    Attributes:
        size: bytes, attachments and the quotes of a string left out.
        images: how many images stand in it.
        attached: bytes of base64 in it.
    """

    size: int
    images: int = 0
    attached: int = 0

    def __add__(self, other: Weight) -> Weight:
        return Weight(self.size + other.size, self.images + other.images, self.attached + other.attached)


def is_short_text(value: msgspec.Raw) -> bool:
    """Whether a value weighs its bytes and nothing else, as most members of a part do."""
    return len(value) < _SHORTEST_ATTACHMENT and is_string(value)


def weigh(value: msgspec.Raw) -> Weight:
    """The weight of a JSON value inside a message part."""
    size = len(value)
    if size < _SHORTEST_ATTACHMENT:
        return Weight(size, _images(value))
    attached = sum(found.end() - found.start() for found in _BASE64.finditer(value))
    return Weight(size - attached, _images(value), attached)


def _images(value: msgspec.Raw) -> int:
    if is_string(value):  # the quotes inside a string are escaped
        return 0
    return sum(1 for _ in _IMAGE.finditer(value))
