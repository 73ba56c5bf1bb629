"""TOML tables into policy types, with the exact key of whatever is wrong."""

from __future__ import annotations

import difflib
import json
import re
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from penstock.errors import PolicyError

Key = tuple[str, ...]
"""A key of the policy from the root, for example ``("tasks", "triage", "cap", "output")``."""


_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "a table",
    "array": "a list",
}
_BARE = re.compile(r"[A-Za-z0-9_-]+")


class BadKey(PolicyError):  # noqa: N818 - reads as the condition it reports
    """A key or a value that the schema does not know; ``key`` says where it stands."""

    def __init__(self, key: Key, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.key = key


def dotted(key: Key) -> str:
    """A key as TOML writes it: ``tasks.triage.cap``, parts quoted where they must be."""
    return ".".join(part if _BARE.fullmatch(part) else quoted(part) for part in key)


def quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's, except that TOML wants DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def decode(value: Any, expected: Any, key: Key = ()) -> Any:
    """``value`` (from a TOML reader) as ``expected`` (a type of the policy schema).

    Raises:
        BadKey: for the first unknown key or wrong value, with a suggestion where one is near.
    """
    struct = _struct_of(expected)
    if struct is not None:
        return _decode_struct(value, struct, key)
    if get_origin(expected) is dict and isinstance(value, dict):
        _, member = get_args(expected)
        return {name: decode(item, member, (*key, str(name))) for name, item in value.items()}
    try:
        return msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        reason = str(error).partition(" - at ")[0]
        raise BadKey(key, f"`{dotted(key)}`: {_plain(reason)}", hint=_choices(value, expected)) from None


def _decode_struct(value: Any, struct: type[msgspec.Struct], key: Key) -> Any:
    if not isinstance(value, dict):
        raise BadKey(key, f"`{dotted(key)}` must be a table, not {_kind(value)}")
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name in value:
        if name not in fields:
            raise unknown_key((*key, str(name)), fields)
    for name, field in fields.items():
        if field.required and name not in value:
            raise BadKey(key, f"`{dotted(key)}` needs `{name}`")
    return struct(**{fields[name].name: decode(item, fields[name].type, (*key, name)) for name, item in value.items()})


def unknown_key(key: Key, known: Any) -> BadKey:
    """The error for a key that is none of ``known``, naming the nearest one."""
    near = difflib.get_close_matches(key[-1], list(known), n=1, cutoff=0.5)
    hint = f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(sorted(known))}"
    return BadKey(key, f"unknown key `{dotted(key)}`", hint=hint)


def _struct_of(expected: Any) -> type[msgspec.Struct] | None:
    """The struct in ``Struct`` or ``Struct | None``, else None."""
    options = get_args(expected) if get_origin(expected) in (Union, UnionType) else (expected,)
    for option in options:
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def _choices(value: Any, expected: Any) -> str | None:
    """The allowed words of a literal type, nearest first, or None for other types."""
    words = [word for word in _literals(expected) if isinstance(word, str)]
    if not words:
        return None
    near = difflib.get_close_matches(str(value), words, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else "one of " + ", ".join(f'"{word}"' for word in words)


def _literals(expected: Any) -> list[Any]:
    found: list[Any] = []
    for argument in get_args(expected):
        if isinstance(argument, str | int):
            found.append(argument)
        elif argument is not Ellipsis:
            found.extend(_literals(argument))
    return found


def _plain(reason: str) -> str:
    """A validator's message in the words of a TOML file."""
    reason = reason.replace(" | null`", "`")
    for theirs, ours in _WORDS.items():
        reason = reason.replace(f"`{theirs}`", ours)
    return reason[:1].lower() + reason[1:]


def _kind(value: Any) -> str:
    return {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}.get(
        type(value), "this value"
    )
