from __future__ import annotations

from random import Random

from penstock.demo import prose


def test_the_same_seed_writes_the_same_text() -> None:
    assert prose.mail(Random(1)) == prose.mail(Random(1)) != prose.mail(Random(2))
    assert prose.cv(Random(1)) == prose.cv(Random(1))


def test_texts_have_the_size_that_was_asked_for() -> None:
    assert len(prose.contract(Random(1), 50)) == 50
    assert prose.vacancy(Random(1), "Clerk", lines=7).count("\n- ") == 7
    assert prose.handbook(Random(1), "Rules", 9).count("\n") == 9
