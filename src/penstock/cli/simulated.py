"""The line above figures of simulated answers."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from penstock.engine.simulated import simulated_words


def show_simulated(count: int, of: int, console: Console) -> None:
    """Say how many of some calls have simulated answers; nothing for none."""
    if count:
        console.print(Text(simulated_words(count, of), style="bold yellow"))
