"""The page of the error tree."""

from __future__ import annotations

from collections.abc import Iterator

from penstock import errors
from penstock.errors import PenstockError
from tools.reference.markdown import code, paragraphs, prose, table


def errors_page() -> str:
    """Every error that Penstock raises on purpose, with the exit code that the command line gives it."""
    said, tree, rest = _parts(errors.__doc__ or "")
    rows = [
        (code(kind.__name__), str(kind.exit_code), prose((kind.__doc__ or "").split("\n")[0]))
        for kind in _tree(PenstockError)
    ]
    lines = ["# Errors", "", *paragraphs(said), "```text", *tree, "```", "", *paragraphs(rest)]
    lines += table(("error", "exit code", "meaning"), rows)
    return "\n".join(lines)


def _parts(docstring: str) -> tuple[str, list[str], str]:
    """A docstring around its indented block: before, the block's lines, after."""
    blocks = docstring.split("\n\n")
    at = next(index for index, block in enumerate(blocks) if block.startswith("    "))
    return "\n\n".join(blocks[:at]), [line[4:] for line in blocks[at].splitlines()], "\n\n".join(blocks[at + 1 :])


def _tree(kind: type[PenstockError]) -> Iterator[type[PenstockError]]:
    """The error and those below it in the order of the file; errors of other files are their own rooms' matter."""
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from _tree(below)
