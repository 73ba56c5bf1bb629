from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.demo.loop import Loop, run_loop


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    stages: dict[str, list[int]] = {}

    def stage(name: str, steps: int) -> Callable[[], object]:
        stages[name] = [0, steps]

        def advance() -> None:
            stages[name][0] += 1

        return advance

    found = run_loop(tmp_path_factory.mktemp("demo"), 8, stage, scale=0.3)
    assert all(done == steps for done, steps in stages.values()), stages
    return found
