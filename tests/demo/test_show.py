from __future__ import annotations

import io

from rich.console import Console

from penstock.demo.loop import Loop
from penstock.demo.show import HONEST, as_builtins, proof_line, show
from penstock.evidence.proof import NotEnough


def test_people_are_told_what_is_simulated(loop: Loop) -> None:
    out = io.StringIO()
    show(loop, Console(width=100, file=out))
    shown = " ".join(out.getvalue().split())
    assert "Answers are simulated" in shown
    assert "holdback" in shown


def test_programs_get_the_same_figures_and_the_same_warning(loop: Loop) -> None:
    result = as_builtins(loop)
    assert result["simulated"] == HONEST
    assert result["before"]["calls"] == loop.before
    assert result["realised"]["calls"] + result["realised"]["unknown_calls"] == sum(
        call.arm == "treated" for call in loop.served
    )


def test_too_little_traffic_is_said_and_gives_no_figure() -> None:
    line = proof_line(NotEnough(why="3 sessions held back", treated_sessions=9, holdback_sessions=3, needed=40))
    assert "3 sessions held back" in line
    assert "%" not in line
