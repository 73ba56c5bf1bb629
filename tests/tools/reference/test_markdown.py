from __future__ import annotations

from tools.reference.markdown import code, paragraphs, prose, table


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert table(("a", "b"), [("x|y", "z")]) == ["| a | b |", "| --- | --- |", "| x\\|y | z |", ""]


def test_a_table_without_rows_is_nothing() -> None:
    assert table(("a", "b"), []) == []


def test_a_docstring_becomes_one_line_with_single_backticks() -> None:
    assert prose("one ``two``\n    three") == "one `two` three"


def test_paragraphs_are_kept_apart() -> None:
    assert paragraphs("one\ntwo\n\nthree\n") == ["one two", "", "three", ""]


def test_code_is_in_backticks() -> None:
    assert code("x") == "`x`"
