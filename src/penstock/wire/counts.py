"""Counters of a usage report, read with suspicion: what is odd is flagged, never a crash, never silently believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_TOKENS = 1_000_000_000
"""No single call reports more tokens than this; a larger count is an error of the report."""


class Counts:
    """Reads counters from a usage object and collects flags."""

    __slots__ = ("_flags", "_source")

    def __init__(self, source: Mapping[str, Any], flags: list[str] | None = None) -> None:
        """``flags`` is added to; a list of its own when not given."""
        self._source = source
        self._flags = [] if flags is None else flags

    @property
    def flags(self) -> tuple[str, ...]:
        """What was odd so far, each once, in the order of its finding."""
        return tuple(dict.fromkeys(self._flags))

    def flag(self, what: str) -> None:
        """Note something odd."""
        self._flags.append(what)

    def optional(self, name: str) -> int | None:
        """A counter, None when absent or null; a value that is no count is flagged and counts 0."""
        value = self._source.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer() and 0 <= value <= MOST_TOKENS:
            self.flag(f"{name}_is_a_float")
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_TOKENS:
            self.flag(f"{name}_is_not_a_count")
            return 0
        return value

    def required(self, name: str) -> int:
        """A counter that every report has: its absence is flagged and counts 0."""
        value = self.optional(name)
        if value is None:
            self.flag(f"{name}_missing")
            return 0
        return value

    def inner(self, name: str) -> Counts | None:
        """The counters of a member object, None when absent or null; another type is flagged and taken as absent."""
        value = self._source.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.flag(f"{name}_is_not_an_object")
            return None
        return self.beside(value)

    def beside(self, source: Mapping[str, Any]) -> Counts:
        """The counters of another object that belongs to the same report: its flags come here."""
        return Counts(source, self._flags)

    def reasoning(self, details: Counts | None, name: str, output: int) -> int | None:
        """The part of the output that was reasoning: at most all of it."""
        value = None if details is None else details.optional(name)
        if value is not None and value > output:
            self.flag("reasoning_exceeds_output")
            return output
        return value
