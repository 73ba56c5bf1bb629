"""Small readings of JSON values that are kept as raw bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

Raw = msgspec.Raw
Members = Mapping[str, msgspec.Raw]
"""An object decoded one level deep."""

ABSENT = Raw(b"")
"""What stands for a member that is not there."""
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises on bytes that are not the JSON that was asked for, or nest too deep."""

_NULL = Raw(b"null")
_QUOTE = ord('"')
_object = msgspec.json.Decoder(dict[str, Raw])
_objects = msgspec.json.Decoder(list[dict[str, Raw]])
_list = msgspec.json.Decoder(list[Raw])
_text = msgspec.json.Decoder(str)


def object_of(value: msgspec.Raw) -> dict[str, msgspec.Raw] | None:
    """An object decoded one level deep, or None when the value is something else."""
    try:
        return _object.decode(value)
    except UNREADABLE:
        return None


def objects_of(value: msgspec.Raw) -> list[dict[str, msgspec.Raw]] | None:
    """A list of objects decoded one level deep, or None when the value is something else."""
    try:
        return _objects.decode(value)
    except UNREADABLE:
        return None


def list_of(value: msgspec.Raw) -> list[msgspec.Raw] | None:
    """A list's elements as raw JSON, or None when the value is something else."""
    try:
        return _list.decode(value)
    except UNREADABLE:
        return None


def text_of(value: msgspec.Raw | None) -> str:
    """A JSON string's text; empty for anything else."""
    if value is None:
        return ""
    try:
        return _text.decode(value)
    except UNREADABLE:
        return ""


def texts_of(value: msgspec.Raw | None) -> Iterator[str]:
    """The texts of string content or of the text parts of a list."""
    if value is None or not is_given(value):
        return
    if is_string(value):
        yield text_of(value)
        return
    for part in objects_of(value) or ():
        if "text" in part:
            yield text_of(part["text"])


def is_given(value: msgspec.Raw) -> bool:
    """Whether a member is there and not null."""
    return len(value) > 0 and value != _NULL


def is_string(value: msgspec.Raw) -> bool:
    """Whether a JSON value is a string."""
    return len(value) > 0 and memoryview(value)[0] == _QUOTE
