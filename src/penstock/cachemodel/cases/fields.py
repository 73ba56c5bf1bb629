"""Reading a case's JSON objects so that nothing in them is overlooked."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from penstock.errors import CallerError


class CaseError(CallerError):
    """A case that cannot be run: a part that is missing, of the wrong type, or of no meaning that we know."""


class Fields:
    """One JSON object, whose members are taken by name; what is left over at the end is an error."""

    def __init__(self, value: Any, what: str) -> None:
        """Wrap an object.

        Args:
            value: the decoded JSON value; CaseError unless it is an object. Keys are read with ``.`` as ``_``.
            what: what it is, for messages (``request 2``).
        """
        if not isinstance(value, Mapping):
            raise CaseError(f"{what} is not an object")
        self._left = {str(key).replace(".", "_"): inner for key, inner in value.items()}
        self._what = what

    def has(self, name: str) -> bool:
        """Whether a name is there, null included, and not taken yet."""
        return name in self._left

    def take(self, *names: str) -> Any:
        """The value of the first of these names that is there and not null, or None; all of them count as read."""
        found = [value for name in names if (value := self._left.pop(name, None)) is not None]
        return found[0] if found else None

    def text(self, *names: str) -> str | None:
        """A string, or None when absent."""
        value = self.take(*names)
        if value is not None and not isinstance(value, str):
            raise CaseError(f"{self._what}: {names[0]} is not a string")
        return value

    def flag(self, *names: str) -> bool:
        """A boolean; absent is False."""
        value = self.take(*names)
        if value is not None and not isinstance(value, bool):
            raise CaseError(f"{self._what}: {names[0]} is not true or false")
        return bool(value)

    def count(self, *names: str) -> int | None:
        """A whole number of at least 0, or None when absent."""
        value = self.take(*names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise CaseError(f"{self._what}: {names[0]} is not a whole number of at least 0")
        return value

    def seconds(self, name: str) -> float | None:
        """A number, or None when absent."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise CaseError(f"{self._what}: {name} is not a number")
        return float(value)

    def objects(self, *names: str) -> list[Fields]:
        """A list of objects; absent is empty."""
        value = self.take(*names)
        if value is None:
            return []
        if not isinstance(value, list):
            raise CaseError(f"{self._what}: {names[0]} is not a list")
        return [Fields(inner, f"{self._what}, {names[0]} {index}") for index, inner in enumerate(value, 1)]

    def finish(self, *ignored: str) -> None:
        """CaseError if something is left that was neither taken nor may be ignored; nulls and notes may."""
        rest = [
            name
            for name, value in self._left.items()
            if value is not None and name not in ignored and not name.startswith(("note", "comment", "title"))
        ]
        if rest:
            raise CaseError(f"{self._what}: no rule for {', '.join(sorted(rest))}")
