from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.routing_data import read_rows

ROW = {"id": "1", "task": "t", "prompt": "why?", "models": {"a": {"score": 1}, "b": {"score": 0.5, "out_tok": 3}}}


def folder(at: Path, *lines: str) -> Path:
    with gzip.open(at / "some.jsonl.gz", "wt") as file:
        file.write("\n".join(lines))
    return at


def test_rows_need_only_a_prompt_and_scores(tmp_path: Path) -> None:
    bare = {"question": "what?", "functions": [{}, {}], "models": {"a": {"score": 0}, "b": {"score": None}}}
    without = {"id": "3", "models": {"a": {}}}
    rows = read_rows(folder(tmp_path, *map(json.dumps, (ROW, bare, without)), ""))["some"]
    assert [(row.text, row.task, row.tools, row.scores) for row in rows] == [
        ("why?", "t", 0, {"a": 1.0, "b": 0.5}),
        ("what?", "", 2, {"a": 0.0}),
    ]
    assert rows[0].tokens == {"b": (0, 3)}


def test_a_single_function_is_one_function_and_answers_are_kept(tmp_path: Path) -> None:
    model = {"score": 1, "output": [{"f": "{}"}], "parsed": True}
    one = {"question": "what?", "functions": {"name": "f", "parameters": {}}, "models": {"a": model}}
    (row,) = read_rows(folder(tmp_path, json.dumps(one)))["some"]
    assert (row.tools, row.functions) == (1, [{"name": "f", "parameters": {}}])
    assert (row.outputs, row.parsed) == ({"a": [{"f": "{}"}]}, {"a": True})


@pytest.mark.parametrize("line", ["{", "[]", '"text"', '{"models": {"a": {"score": 3}}}', '{"models": {"a": 1}}'])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(SystemExit, match=r"some.jsonl.gz: line 2 is no row"):
        read_rows(folder(tmp_path, json.dumps(ROW), line))


def test_a_folder_without_rows_says_what_a_row_is(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="hint:"):
        read_rows(tmp_path)
    with pytest.raises(SystemExit, match="hint:"):
        read_rows(tmp_path / "nowhere")
