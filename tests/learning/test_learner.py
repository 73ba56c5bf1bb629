from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.engine.easy import AskedText, EasyKey, key_of
from penstock.engine.gates import Gates
from penstock.evidence.gate import Gate, Identity, Terms
from penstock.evidence.gatebook import GateBook
from penstock.learning.learner import MOST_WAITING, Learner
from penstock.ledger.sqlite import open_ledger
from tests.evidence.test_easy import prompt

TERMS = Terms(margin=0.05)


class Learning:
    """A learner whose rounds are run by hand, and the gates that it learns for."""

    def __init__(self, path: Path | None, gates: Gates | None = None) -> None:
        self.failed: list[str] = []
        self.gates = gates if gates is not None else Gates(GateBook())
        if gates is None:
            self.gates.book.gate("t", Identity(reference="large", candidate="small"), at=7.0)
        self.learner = Learner(self.gates, path, failed=self.failed.append, every_s=3600.0)
        self.draw = random.Random(11)

    @property
    def gate(self) -> Gate:
        return self.gates.book.gates["t"]["small"]

    @property
    def key(self) -> EasyKey:
        return key_of(self.gate)

    def pairs(self, count: int) -> None:
        for _ in range(count):
            hard = self.draw.random() < 0.3
            lost = hard and self.draw.random() < 0.6
            asked = AskedText(prompt(self.draw, hard=hard), 0)
            self.learner.pair(self.key, asked, -1.0 if lost else 0.0, accepted=not lost, terms=TERMS)

    def round(self) -> None:
        """A round, and what it wants done to the book."""
        self.learner.round()
        while self.gates.inbox:
            self.gates.inbox.popleft()()

    def serves(self, *, hard: bool) -> bool:
        asked = [AskedText(prompt(random.Random(seed), hard=hard), 0) for seed in range(30)]
        return sum(self.learner.serves(self.key, one) for one in asked) > 15


@pytest.fixture
def learning(tmp_path: Path) -> Iterator[Learning]:
    made = Learning(tmp_path / "l.db")
    yield made
    made.learner.close()


def test_nothing_is_easy_before_enough_pairs_were_scored(learning: Learning) -> None:
    learning.pairs(199)
    learning.round()
    assert not learning.serves(hard=False)
    assert learning.gate.easy is None


def test_easy_prompts_are_found_and_the_gate_s_record_says_their_share(learning: Learning) -> None:
    learning.pairs(200)
    learning.round()
    assert learning.serves(hard=False)
    assert not learning.serves(hard=True)
    assert learning.gate.easy is not None
    assert (learning.gate.easy.pairs, learning.gate.easy.dropped) == (200, "")
    assert learning.gate.easy.share > 0.5
    assert learning.failed == []


def test_another_process_learns_the_same_from_the_ledger_without_a_further_pair(
    learning: Learning, tmp_path: Path
) -> None:
    learning.pairs(260)
    learning.round()
    other = Learning(tmp_path / "l.db", Gates(learning.gates.book))
    other.learner.opened(other.key, TERMS)
    other.round()
    assert other.serves(hard=False)
    assert not other.serves(hard=True)
    other.pairs(1)
    other.round()
    other.learner.close()
    with open_ledger(tmp_path / "l.db") as ledger:
        assert [one.number for one in ledger.labels.of(*learning.key)][-1] == 261


def test_an_alarm_ends_the_easy_part_also_for_the_next_process(learning: Learning, tmp_path: Path) -> None:
    learning.pairs(200)
    learning.round()
    for _ in range(200):
        learning.learner.served(learning.key, accepted=False)
    learning.round()
    assert not learning.serves(hard=False)
    assert learning.gate.easy is not None
    assert learning.gate.easy.dropped == "more answers to easy prompts fail their checks"
    other = Learning(tmp_path / "l.db", Gates(learning.gates.book))
    other.learner.opened(other.key, TERMS)
    other.round()
    assert not other.serves(hard=False)
    other.learner.close()


def test_evidence_that_began_anew_knows_nothing_of_the_old(learning: Learning) -> None:
    learning.pairs(200)
    learning.round()
    before = learning.key
    learning.gate.restart(9.0, TERMS, why="a test", by="trigger")
    learning.round()
    assert learning.gate.easy is None
    assert not learning.serves(hard=False)
    assert not learning.learner.serves(before, AskedText("say hello to alpha beta", 0))


def test_pairs_beyond_what_the_thread_can_take_are_dropped_and_counted(learning: Learning) -> None:
    learning.pairs(MOST_WAITING + 3)
    assert learning.failed == ["difficulty: too_many_pairs"] * 3


def test_what_waits_at_the_close_is_kept(tmp_path: Path) -> None:
    learning = Learning(tmp_path / "l.db")
    learning.pairs(3)
    learning.learner.close()
    with open_ledger(tmp_path / "l.db") as ledger:
        assert len(ledger.labels.of(*learning.key)) == 3


def test_without_a_ledger_it_learns_all_the_same() -> None:
    learning = Learning(None)
    learning.pairs(200)
    learning.round()
    assert learning.serves(hard=False)
    learning.learner.close()


def test_the_user_s_embedding_is_kept_with_the_pairs_and_its_failures_are_counted(tmp_path: Path) -> None:
    learning = Learning(tmp_path / "l.db")
    here = "python:tests.learning.vectors"
    for spec in (f"{here}:of", f"{here}:broken"):
        asked = AskedText("prove it", 0, spec)
        learning.learner.pair(learning.key, asked, 0.0, accepted=True, terms=TERMS)
    learning.round()
    learning.learner.close()
    with open_ledger(tmp_path / "l.db") as ledger:
        kept = [len(one.vector) for one in ledger.labels.of(*learning.key)]
    assert kept == [8, 0]
    assert learning.failed == ["embedding: RuntimeError"]
