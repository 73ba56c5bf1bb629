"""The few pieces of Markdown that the pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table with an empty line after it; none at all without rows."""
    lines = [_row(row) for row in rows]
    return [_row(head), _row(["---"] * len(head)), *lines, ""] if lines else []


def prose(docstring: str) -> str:
    """A docstring's text as Markdown: one line, single backticks."""
    return " ".join(docstring.split()).replace("``", "`")


def paragraphs(docstring: str) -> list[str]:
    """A docstring's paragraphs as Markdown, an empty line after each."""
    return [line for block in docstring.split("\n\n") if block.strip() for line in (prose(block), "")]


def code(text: object) -> str:
    """The text in backticks."""
    return f"`{text}`"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
