"""The line of a key in a TOML text, for error messages."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any


def line_of(text: str, key: Sequence[str]) -> int | None:
    """The 1-based line where ``key`` is first given a value, or its table opened; None when the text has no such key.

    The text is read in growing pieces: the key stands in the first piece that holds it. A piece that ends inside a
    value of several lines does not parse, so the line is the first one after the last piece that did.
    """
    lines = text.splitlines()
    start = 1
    for count in range(1, len(lines) + 1):
        try:
            table = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        if _holds(table, key):
            return _first_with_text(lines, start, count)
        start = count + 1
    return None


def _holds(table: Any, key: Sequence[str]) -> bool:
    for part in key:
        if not isinstance(table, dict) or part not in table:
            return False
        table = table[part]
    return True


def _first_with_text(lines: list[str], start: int, stop: int) -> int:
    """The first of the lines ``start``..``stop`` (1-based, inclusive) that is neither blank nor a comment."""
    for number in range(start, stop):
        stripped = lines[number - 1].strip()
        if stripped and not stripped.startswith("#"):
            return number
    return stop
