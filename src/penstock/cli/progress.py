"""Progress on stderr: a bar where a person watches, nothing where a program does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


@contextmanager
def bytes_read(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar over the bytes of some files; the block gets a function to tell it how many more were read."""
    with bar() as progress:
        job = progress.add_task(what, total=total or None)
        yield lambda count: progress.advance(job, count)


def bar() -> Progress:
    """A progress bar on stderr, shown only on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
