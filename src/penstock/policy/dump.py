"""A policy as TOML text, every key in the schema's order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from penstock.policy.decode import dotted, quoted
from penstock.policy.schema import Policy, TaskPolicy


def dump_policy(policy: Policy, *, resolved: bool = False) -> str:
    """The policy as TOML that ``load_policy`` reads back as an equal policy.

    Args:
        policy: what to write.
        resolved: write every key, defaults included; else only what differs from the defaults.
    """
    table = to_builtins(policy, resolved=resolved)
    if not resolved:
        table = {"schema": policy.schema, "mode": policy.mode, **table}
        if policy.defaults != TaskPolicy() and policy.tasks:  # a key left out of a task would be read from [defaults]
            table["tasks"] = _table(policy.tasks, resolved=True)
    return "\n".join(_lines(table, ())).strip() + "\n"


def to_builtins(policy: Policy, *, resolved: bool = True) -> dict[str, Any]:
    """The policy as plain tables; keys without a value are left out, and without ``resolved`` keys at their default."""
    table: dict[str, Any] = _table(policy, resolved=resolved)
    return table


def _table(value: Any, *, resolved: bool) -> Any:
    if isinstance(value, msgspec.Struct):
        found = {}
        for field in msgspec.structs.fields(value):
            member = getattr(value, field.name)
            if member is None or (not resolved and _is_default(member, field)):
                continue
            found[field.encode_name] = _table(member, resolved=resolved)
        return found
    if isinstance(value, Mapping):
        return {name: _table(member, resolved=resolved) for name, member in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _is_default(member: Any, field: msgspec.structs.FieldInfo) -> bool:
    if field.default is not msgspec.NODEFAULT:
        return bool(member == field.default)
    return field.default_factory is not msgspec.NODEFAULT and bool(member == field.default_factory())


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    below = {name: member for name, member in table.items() if isinstance(member, Mapping)}
    own = {name: member for name, member in table.items() if name not in below}
    if path and (own or not below):
        yield f"\n[{dotted(path)}]"
    for name, member in own.items():
        yield f"{dotted((name,))} = {_literal(member)}"
    for name, member in below.items():
        if member or path:
            yield from _lines(member, (*path, name))


def _literal(value: Any) -> str:
    """A TOML value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(member) for member in value) + "]"
    return repr(value)
