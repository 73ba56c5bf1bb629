"""``PENSTOCK_*`` variables as overrides of policy keys: ``PENSTOCK_TASKS__TRIAGE__CAP__MAX_OUTPUT=60``.

``__`` nests. Names are matched without case, and ``-`` in a key is ``_`` in a variable, so that a variable reaches a
task that the file spells ``e-mail``. A value is read as TOML (``true``, ``0.2``, ``["json"]``) and else as text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from penstock.policy.decode import BadKey, Key, unknown_key
from penstock.policy.schema import Policy

PREFIX = "PENSTOCK_"

NOT_POLICY = frozenset({"PENSTOCK_POLICY", "PENSTOCK_LEDGER", "PENSTOCK_RECORD"})
"""Variables of the programs around the policy: where it lies and where calls are kept."""


def overrides(environ: Mapping[str, str], tables: Mapping[str, Any]) -> Iterator[tuple[Key, Any, str]]:
    """Each override as (key, value, variable name), in the order of the names.

    Args:
        environ: all variables; others than ``PENSTOCK_*`` are passed over.
        tables: the parsed file, whose spelling of task names is kept.

    Raises:
        BadKey: for a ``PENSTOCK_*`` variable that names no key.
    """
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in NOT_POLICY:
            continue
        parts = name.removeprefix(PREFIX).lower().split("__")
        try:
            key = _resolved(parts, Policy, tables)
        except BadKey as error:
            raise BadKey((), f"{name}: {error}", hint=error.hint) from None
        yield key, _value(environ[name]), name


def _resolved(parts: list[str], expected: Any, table: Any) -> Key:
    """The parts of a variable's name as the keys of the schema, or of the file where the schema leaves names free."""
    key: Key = ()
    for part in parts:
        struct = _struct_in(expected)
        if struct is not None:
            fields = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
            if part not in fields:
                raise unknown_key((*key, part), fields)
            found, expected = part, fields[part]
        elif get_origin(expected) is dict:
            names = {_folded(name): name for name in table} if isinstance(table, Mapping) else {}
            found, expected = names.get(part, part), get_args(expected)[1]
        else:
            raise BadKey((*key, part), f"`{'.'.join(key)}` has no keys below it")
        table = table.get(found, {}) if isinstance(table, Mapping) else {}
        key = (*key, found)
    return key


def _folded(name: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in name.lower())


def _struct_in(expected: Any) -> type[msgspec.Struct] | None:
    options = get_args(expected) if get_origin(expected) in (Union, UnionType) else (expected,)
    return next((one for one in options if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
