"""Values that fit a JSON Schema, drawn from a seed: what a simulated structured answer or tool call contains.

Understood: type (also lists of types), enum, const, properties, required, items, prefixItems, minItems, maxItems,
uniqueItems, minimum, maximum and their exclusive forms, multipleOf, minLength, maxLength, common formats, anyOf, oneOf,
allOf, $ref into the same document. A pattern is tried with a few candidates and otherwise left to a plain word.
Recursion ends by leaving optional properties out, emptying arrays, and preferring null and leaf branches.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from random import Random
from typing import Any

MAX_DEPTH = 6
"""Below this depth optional parts are left out."""

_HARD_DEPTH = 40
_FORMATS = {
    "date-time": "2026-11-22T10:{b:02d}:00Z",
    "date": "2026-11-{a:02d}",
    "time": "10:{b:02d}:00Z",
    "duration": "P{a}D",
    "email": "person{n}@example.com",
    "hostname": "host{n}.example.com",
    "ipv4": "192.0.2.{n}",
    "ipv6": "2001:db8::{n:x}",
    "uuid": "00000000-0000-4000-8000-{n:012d}",
    "uri": "https://example.com/{n}",
    "uri-reference": "https://example.com/{n}",
}
WORDS = (
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "field",
    "grove",
    "haven",
    "inlet",
    "jetty",
    "knoll",
    "ledge",
    "marsh",
    "north",
    "ocean",
    "pearl",
    "quiet",
    "ridge",
    "stone",
    "tidal",
    "upper",
    "vale",
    "water",
    "yield",
)
"""Words of at most seven letters: each is one token by the simulator's rule."""


def instance(schema: Any, random: Random) -> Any:
    """A JSON value that fits ``schema``; for a schema that we cannot follow, a short string."""
    return _Draw(schema, random).value(schema, 0)


class _Draw:
    def __init__(self, root: Any, random: Random) -> None:
        self.root = root
        self.random = random

    def value(self, schema: Any, depth: int) -> Any:
        if not isinstance(schema, Mapping) or depth > _HARD_DEPTH:
            return self.word()
        schema = self.resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self.random.choice(schema["enum"])
        for branch in ("anyOf", "oneOf"):
            if isinstance(schema.get(branch), list) and schema[branch]:
                return self.value(self.pick_branch(schema[branch], depth), depth + 1)
        return self.of_type(schema, depth)

    def resolved(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        if isinstance(reference, str):
            found = self.follow(reference)
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            return self.resolved({**found, **rest}, depth + 1) if depth < _HARD_DEPTH else rest
        if isinstance(schema.get("allOf"), list):
            return self.merged(schema, depth)
        return schema

    def merged(self, schema: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
        whole: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            if not isinstance(part, Mapping) or depth >= _HARD_DEPTH:
                continue
            for key, value in self.resolved(part, depth + 1).items():
                if key == "properties" and isinstance(whole.get(key), Mapping):
                    whole[key] = {**whole[key], **value}
                elif key == "required" and isinstance(whole.get(key), list):
                    whole[key] = [*whole[key], *value]
                else:
                    whole.setdefault(key, value)
        return whole

    def follow(self, reference: str) -> Mapping[str, Any]:
        at: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            at = at.get(key) if isinstance(at, Mapping) and key else at
        return at if isinstance(at, Mapping) else {}

    def pick_branch(self, branches: Sequence[Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:
            for wanted in ("null", "string", "integer", "number", "boolean"):
                for branch in branches:
                    if isinstance(branch, Mapping) and branch.get("type") == wanted:
                        return branch
        return self.random.choice(branches)

    def of_type(self, schema: Mapping[str, Any], depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list) and kind:
            kind = "null" if depth >= MAX_DEPTH and "null" in kind else self.random.choice(kind)
        if kind == "object" or (kind is None and "properties" in schema):
            return self.of_object(schema, depth)
        if kind == "array" or (kind is None and ("items" in schema or "prefixItems" in schema)):
            return self.of_array(schema, depth)
        if kind in ("integer", "number"):
            return self.of_number(schema, whole=kind == "integer")
        if kind == "boolean":
            return self.random.random() < 0.5  # noqa: PLR2004 - an even coin
        if kind == "null":
            return None
        return self.of_string(schema)

    def of_object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return {}
        required = schema.get("required")
        required = required if isinstance(required, list) else []
        return {
            name: self.value(inner, depth + 1)
            for name, inner in properties.items()
            if name in required or depth < MAX_DEPTH
        }

    def of_array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        fixed = schema.get("prefixItems")
        items = [self.value(inner, depth + 1) for inner in fixed] if isinstance(fixed, list) else []
        least = max(len(items), _integer(schema.get("minItems"), 0))
        most = _integer(schema.get("maxItems"), max(least, 3))
        wanted = least if depth >= MAX_DEPTH else max(least, min(most, self.random.randint(1, 3)))
        inner = schema.get("items", {"type": "string"})
        for _ in range(20 * (wanted + 1)):
            if len(items) >= wanted:
                break
            item = self.value(inner, depth + 1)
            if schema.get("uniqueItems") is not True or item not in items:
                items.append(item)
        return items

    def of_number(self, schema: Mapping[str, Any], *, whole: bool) -> int | float:
        step = _exact(schema.get("multipleOf")) or (Fraction(1) if whole else Fraction(1, 100))
        low = _exact(schema.get("minimum", schema.get("exclusiveMinimum")))
        high = _exact(schema.get("maximum", schema.get("exclusiveMaximum")))
        if low is None:
            low = Fraction(0) if high is None else min(Fraction(0), high - 100 * step)
        if high is None:
            high = low + 100 * step
        first, last = math.ceil(low / step), math.floor(high / step)
        first += "exclusiveMinimum" in schema and first * step <= low
        last -= "exclusiveMaximum" in schema and last * step >= high
        value = self.random.randint(first, max(first, last)) * step
        return int(value) if whole else float(value)

    def of_string(self, schema: Mapping[str, Any]) -> str:
        template = _FORMATS.get(str(schema.get("format")))
        if template is not None:
            return template.format(
                a=self.random.randint(1, 28), b=self.random.randint(0, 59), n=self.random.randint(1, 250)
            )
        if isinstance(schema.get("pattern"), str):
            return self.of_pattern(schema["pattern"])
        least = _integer(schema.get("minLength"), 0)
        text = " ".join(self.word() for _ in range(self.random.randint(1, 4)))
        while len(text) < least:
            text += " " + self.word()
        return text[: _integer(schema.get("maxLength"), len(text))]

    def of_pattern(self, pattern: str) -> str:
        number = self.random.randint(1, 9)
        candidates = [self.word(), *(str(number) * length for length in range(1, 13)), "A1", "ABC", "AB-123", "en-GB"]
        try:
            matching = [text for text in candidates if re.search(pattern, text)]
        except re.error:
            matching = []
        return matching[0] if matching else candidates[0]

    def word(self) -> str:
        return self.random.choice(WORDS)


def _integer(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default


def _exact(value: Any) -> Fraction | None:
    """A JSON number without a float's rounding; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return Fraction(str(value))
    return None
