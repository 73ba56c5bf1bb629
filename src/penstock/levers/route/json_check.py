"""Whether a JSON value keeps to a JSON Schema, as far as the schemas of structured answers and tools go.

Checked: ``type`` (one or several), ``enum``, ``const``, ``required``, ``properties``, ``additionalProperties``,
``items``, ``prefixItems``, ``minItems``, ``maxItems``, ``minLength``, ``maxLength``, ``minimum``, ``maximum``,
``exclusiveMinimum``, ``exclusiveMaximum``, ``anyOf``, ``oneOf``, ``allOf`` and ``$ref`` within the schema. Other
keywords are passed over: a verifier must never turn down an answer that it only fails to understand.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_DEEPEST = 64
_RANGES: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "minimum": (operator.lt, "below the minimum"),
    "maximum": (operator.gt, "above the maximum"),
    "exclusiveMinimum": (operator.le, "not above the minimum"),
    "exclusiveMaximum": (operator.ge, "not below the maximum"),
}


def first_fault(value: Any, schema: Any) -> str | None:
    """The first place where a value breaks a schema, and how (``items[2].price: below the minimum``), or None.

    Property names come from the schema or the answer; values are never shown.
    """
    return next(_faults(value, schema, "", schema, 0), None)


def _faults(value: Any, schema: Any, place: str, root: Any, depth: int) -> Iterator[str]:
    if schema is False:
        yield f"{place or 'the answer'}: nothing is allowed here"
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    target = _referred(schema, root)
    if target is not None:
        yield from _faults(value, target, place, root, depth + 1)
    for why in _own_faults(value, schema):
        yield f"{place or 'the answer'}: {why}"
    yield from _combined(value, schema, place, root, depth)
    if isinstance(value, Mapping):
        yield from _object_faults(value, schema, place, root, depth)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, place, root, depth)


def _own_faults(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Faults of the value itself, whatever is inside it."""
    wanted = schema.get("type")
    if wanted is not None and not _is_of(value, wanted):
        yield f"not {_listed(wanted)}"
    if isinstance(schema.get("enum"), list) and not any(_same(value, one) for one in schema["enum"]):
        yield "none of the allowed values"
    if "const" in schema and not _same(value, schema["const"]):
        yield "not the required value"
    if _is_number(value):
        yield from _range_faults(value, schema)
    if isinstance(value, str):
        yield from _length_faults(len(value), schema, "minLength", "maxLength", "long")
    if isinstance(value, list):
        yield from _length_faults(len(value), schema, "minItems", "maxItems", "many")


def _range_faults(value: float, schema: Mapping[str, Any]) -> Iterator[str]:
    for keyword, (broken, said) in _RANGES.items():
        limit = schema.get(keyword)
        if isinstance(limit, int | float) and broken(value, limit):
            yield said


def _length_faults(length: int, schema: Mapping[str, Any], least: str, most: str, said: str) -> Iterator[str]:
    low, high = schema.get(least), schema.get(most)
    if isinstance(low, int) and length < low:
        yield f"not {said} enough"
    if isinstance(high, int) and length > high:
        yield f"too {said}"


def _combined(value: Any, schema: Mapping[str, Any], place: str, root: Any, depth: int) -> Iterator[str]:
    for part in _schemas(schema, "allOf"):
        yield from _faults(value, part, place, root, depth + 1)
    for keyword in ("anyOf", "oneOf"):
        options = _schemas(schema, keyword)
        fitting = sum(next(_faults(value, one, place, root, depth + 1), None) is None for one in options)
        if options and fitting == 0:
            yield f"{place or 'the answer'}: fits none of the alternatives"


def _object_faults(
    value: Mapping[Any, Any], schema: Mapping[str, Any], place: str, root: Any, depth: int
) -> Iterator[str]:
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
    for name in schema.get("required") or ():
        if name not in value:
            yield f"{_under(place, name)}: missing"
    extra = schema.get("additionalProperties", True)
    for name, member in value.items():
        if name in known:
            yield from _faults(member, known[name], _under(place, name), root, depth + 1)
        elif extra is False:
            yield f"{place or 'the answer'}: a property that is not in the schema"
        else:
            yield from _faults(member, extra, _under(place, "*"), root, depth + 1)


def _list_faults(value: Sequence[Any], schema: Mapping[str, Any], place: str, root: Any, depth: int) -> Iterator[str]:
    first = _schemas(schema, "prefixItems")
    for index, member in enumerate(value):
        part = first[index] if index < len(first) else schema.get("items", True)
        yield from _faults(member, part, f"{place}[{index}]", root, depth + 1)


def _schemas(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    listed = schema.get(keyword)
    return listed if isinstance(listed, list) else []


def _referred(schema: Mapping[str, Any], root: Any) -> Any:
    """What a ``$ref`` of the form ``#/a/b`` points to, or None."""
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found = root
    for part in reference.lstrip("#").strip("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if not name:
            continue
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def _is_of(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(_is_of(value, one) for one in wanted)
    match wanted:
        case "object":
            return isinstance(value, Mapping)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return _is_number(value) and float(value).is_integer()
        case "number":
            return _is_number(value)
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(value: Any, other: Any) -> bool:
    """JSON equality: ``1`` is not ``true``."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _listed(wanted: Any) -> str:
    return " or ".join(str(one) for one in wanted) if isinstance(wanted, list) else str(wanted)


def _under(place: str, name: Any) -> str:
    return f"{place}.{name}" if place else str(name)
