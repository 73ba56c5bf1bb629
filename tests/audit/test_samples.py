from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.audit import samples
from penstock.audit.samples import Samples
from penstock.wire.dialect import Dialect

CHAT = Dialect.OPENAI_CHAT


def of(bodies: list[bytes], size: int = 4) -> list[bytes]:
    kept = Samples(size)
    for body in bodies:
        kept.add("t", CHAT, body)
    return [body for _, body in kept.of("t")]


@given(st.lists(st.binary(max_size=6), max_size=30), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_sample_does_not_depend_on_the_order_and_parts_merge_to_the_whole(bodies: list[bytes], rnd: object) -> None:
    shuffled = list(bodies)
    rnd.shuffle(shuffled)  # type: ignore[attr-defined]
    assert of(bodies) == of(shuffled)
    assert len(of(bodies)) == min(4, len(set(bodies)))
    left, right = Samples(4), Samples(4)
    for number, body in enumerate(bodies):
        (left if number % 2 else right).add("t", CHAT, body)
    left.merge(right)
    assert [body for _, body in left.of("t")] == of(bodies)


def test_large_bodies_and_too_many_tasks_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "LARGEST", 10)
    monkeypatch.setattr(samples, "TASKS", 2)
    kept = Samples()
    kept.add("a", CHAT, b"x" * 11)
    for task in ("a", "b", "c"):
        kept.add(task, CHAT, b"small")
    assert list(kept.tasks()) == ["a", "b"]
    assert kept.of("a") == [(CHAT, b"small")]
    assert kept.of("c") == []
