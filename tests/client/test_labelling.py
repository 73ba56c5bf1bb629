from __future__ import annotations

import asyncio

from penstock.client.labelling import bypass, current_labels, joined, pipeline, task
from penstock.engine.labels import NO_LABELS, Labels


def test_the_innermost_task_counts_and_ends_with_its_block() -> None:
    assert current_labels() is NO_LABELS
    with task("a", session="s", tags={"x": "1"}):
        with task("b", tags={"y": "2"}):
            assert current_labels() == Labels(task="b", session="s", tags={"x": "1", "y": "2"})
        assert current_labels().task == "a"
    assert current_labels() is NO_LABELS


def test_a_task_is_a_decorator_too() -> None:
    @task("a")
    def work() -> str | None:
        return current_labels().task

    assert [work(), work()] == ["a", "a"]
    assert current_labels() is NO_LABELS


def test_each_run_of_a_pipeline_has_a_key_of_its_own() -> None:
    with pipeline("p") as one:
        assert current_labels().trace == one
        assert current_labels().tags == {"pipeline": "p"}
    with pipeline("p") as two:
        pass
    with pipeline("p", trace="mine") as three:
        pass
    assert len({one, two}) == 2
    assert three == "mine"


def test_a_bypass_keeps_the_labels() -> None:
    with task("a"), bypass():
        assert current_labels() == Labels(task="a", bypass=True)


async def test_tasks_of_one_loop_do_not_mix() -> None:
    async def work(name: str) -> str | None:
        with task(name):
            await asyncio.sleep(0)
            return current_labels().task

    assert await asyncio.gather(*(work(str(n)) for n in range(5))) == ["0", "1", "2", "3", "4"]


def test_a_call_s_own_headers_win() -> None:
    outer = Labels(task="a", session="s", trace="t", tags={"x": "1"}, bypass=True)
    assert joined(outer, NO_LABELS) is outer
    inner = Labels(task="b", tags={"x": "2"})
    assert joined(outer, inner) == Labels(task="b", session="s", trace="t", tags={"x": "2"}, bypass=True)
