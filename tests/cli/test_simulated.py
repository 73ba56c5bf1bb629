from __future__ import annotations

import pytest
from rich.console import Console

from penstock.cli.simulated import show_simulated


@pytest.mark.parametrize(
    ("count", "of", "begins"),
    [
        (1, 1, "Simulated: the 1 call has simulated answers"),
        (3, 3, "Simulated: all 3 calls have"),
        (2, 3, "Simulated: 2 of 3 calls have"),
        (0, 3, ""),
    ],
)
def test_simulated_answers_are_named_with_how_many_they_are(count: int, of: int, begins: str) -> None:
    console = Console(width=200)
    with console.capture() as shown:
        show_simulated(count, of, console)
    assert shown.get().startswith(begins)
    assert bool(shown.get()) is bool(count)
