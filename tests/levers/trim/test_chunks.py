from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.levers.trim.chunks import Chunk, find_chunks, kept_of

LONG = "lorem ipsum dolor sit amet " * 6


def _found(text: str, tag: str | None = None) -> list[str]:
    return [text[chunk.start : chunk.end] for chunk in find_chunks(text, tag)]


def test_tagged_elements_are_chunks_from_two_on() -> None:
    text = 'Read:\n<document index="1">a</document>\n<document index="2">b</document>\nWhat?'
    assert _found(text) == ['<document index="1">a</document>', '<document index="2">b</document>']
    assert _found("<document>a</document> only") == []


def test_the_tag_of_the_policy_counts_from_one_on() -> None:
    assert _found("x <kb-hit>a</kb-hit> y", "kb-hit") == ["<kb-hit>a</kb-hit>"]
    assert _found("<a.b>x</a.b>", "a.b") == ["<a.b>x</a.b>"]


@pytest.mark.parametrize(
    "text",
    [
        "<chunk>a<chunk>b</chunk></chunk><chunk>c</chunk>",
        "<chunk>a</chunk><chunk>b",
        "<document>a</chunk> <document>b",
        "no chunks at all",
        "",
    ],
)
def test_elements_that_nest_or_do_not_end_are_left_alone(text: str) -> None:
    assert _found(text) == []


def test_an_outer_list_of_documents_is_not_a_chunk() -> None:
    text = "<documents><document>a</document><document>b</document></documents>"
    assert _found(text) == ["<document>a</document>", "<document>b</document>"]


@pytest.mark.parametrize("head", ["[{}] ", "Document {}: ", "## Source {}\n", "passage #{} - "])
def test_numbered_sections_are_chunks_and_the_last_ends_at_a_line_of_the_prompt(head: str) -> None:
    sections = [head.format(n) + LONG + "\n" for n in (1, 2, 3)]
    text = "Use these.\n" + "".join(sections) + "Question: who?"
    assert _found(text) == sections
    assert all(chunk.may_go for chunk in find_chunks(text))


def test_a_last_section_of_which_the_end_is_not_known_never_goes() -> None:
    text = "".join(f"[{n}] {LONG}\n" for n in (1, 2, 3)) + "\nSo, who was it?"
    assert [chunk.may_go for chunk in find_chunks(text)] == [True, True, False]


@pytest.mark.parametrize(
    "text",
    [
        f"[1] {LONG}\n[2] {LONG}\n",
        f"[1] {LONG}\n[3] {LONG}\n[4] {LONG}\n",
        f"[5] {LONG}\n[6] {LONG}\n[7] {LONG}\n",
        "[1] buy milk\n[2] buy bread\n[3] call home\n",
        f"see [1] {LONG} and [2] {LONG} and [3]",
    ],
)
def test_lists_that_are_not_retrieved_text_are_left_alone(text: str) -> None:
    assert _found(text) == []


def test_chunks_are_kept_whole_in_order_within_the_budget() -> None:
    assert kept_of(["a", "b", "c"], [40, 70, 30], 100, None) == [True, False, True]
    assert kept_of(["a", "b", "c"], [40, 70, 30], 1000, 2) == [True, True, False]


def test_the_first_chunk_stays_whatever_its_size() -> None:
    assert kept_of(["a", "b"], [5000, 10], 100, None) == [True, False]


def test_exact_repetitions_go_first() -> None:
    assert kept_of(["a  b", "c", "a b\n"], [10, 10, 10], 1000, None) == [True, True, False]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 60)), min_size=1),
    st.integers(1, 200),
    st.none() | st.integers(1, 5),
)
def test_no_more_is_kept_than_the_caps_allow(chunks: list[tuple[str, int]], budget: int, most: int | None) -> None:
    kept = kept_of([text for text, _ in chunks], [size for _, size in chunks], budget, most)
    sizes = [size for (_, size), keep in zip(chunks, kept, strict=True) if keep]
    assert kept[0]
    assert sum(sizes) <= max(budget, sizes[0])
    assert most is None or len(sizes) <= most
    texts = [text for (text, _), keep in zip(chunks, kept, strict=True) if keep]
    assert len(set(texts)) == len(texts)


@settings(max_examples=100, deadline=None)
@given(st.text("<>/documentchunk[]123 \n:Q", max_size=200))
def test_chunks_never_overlap_and_stand_in_the_text(text: str) -> None:
    position = 0
    for chunk in find_chunks(text):
        assert isinstance(chunk, Chunk)
        assert position <= chunk.start < chunk.end <= len(text)
        position = chunk.end
