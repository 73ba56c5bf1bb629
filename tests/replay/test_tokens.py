from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.replay.tokens import TokenBook, tokenizer_ratio
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from penstock.wire.view import View, read_request


def conversation(texts: list[str], model: str = "claude-opus-5-5") -> View:
    messages = [{"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(texts)]
    return read_request(
        Dialect.ANTHROPIC_MESSAGES, json.dumps({"model": model, "max_tokens": 9, "messages": messages}).encode()
    )


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 500)), min_size=1, max_size=12))
@settings(max_examples=50)
def test_the_counts_of_a_growing_conversation_sum_to_each_reported_total_and_never_change(
    turns: list[tuple[int, int]],
) -> None:
    book, total, before = TokenBook(), 0, []
    for size in range(1, len(turns) + 1):
        total += turns[size - 1][1]
        texts = [f"turn {n} {seed}" for n, (seed, _) in enumerate(turns[:size])]
        counts = book.learn(conversation(texts), Usage(input_uncached=total))
        assert sum(counts) == total
        assert counts[: len(before)] == before
        before = counts


def test_a_call_that_contradicts_the_book_is_told_its_own_total() -> None:
    book = TokenBook()
    book.learn(conversation(["a long text " * 50]), Usage(input_uncached=500))
    assert book.learn(conversation(["a long text " * 50]), Usage(input_uncached=400)) == [400]
    assert book.learn(conversation(["a long text " * 50]), Usage(input_uncached=500)) == [500]


def test_t16_counts_for_another_model_follow_its_tokenizer() -> None:
    book = TokenBook()
    old, new = "claude-haiku-4-5", "claude-opus-5-5"
    book.learn(conversation(["text " * 300], model=old), Usage(input_uncached=1000))
    assert book.counts(conversation(["text " * 300], model=new), old) == [1300]
    assert tokenizer_ratio(new, old) * tokenizer_ratio(old, new) == 1.0


def test_a_segment_that_an_edit_made_is_estimated_with_the_models_calibration() -> None:
    book = TokenBook()
    book.learn(conversation(["text " * 300]), Usage(input_uncached=1000))
    (half,) = book.counts(conversation(["text " * 150]), "claude-opus-5-5")
    assert 450 < half < 550


def test_models_that_are_not_known_keep_their_counts() -> None:
    assert tokenizer_ratio("someone-elses-model", "claude-opus-5-5") == 1.0


def test_what_was_written_tells_the_tokens_up_to_the_marker() -> None:
    body = {
        "model": "claude-opus-5-5",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "rule " * 400, "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": "question " * 40}],
    }
    view = read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode())
    assert TokenBook().learn(view, Usage(input_uncached=33, cache_write_5m=777)) == [777, 33]
