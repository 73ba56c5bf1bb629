from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from penstock.engine.pending import PendingPair
from penstock.errors import InternalError
from penstock.ledger.pending import Kept
from penstock.ledger.sqlite import open_ledger
from tests.engine.test_late import PAIR


def _pairs(*calls: str) -> list[PendingPair]:
    return [msgspec.structs.replace(PAIR, call_id=call) for call in calls]


def test_a_pair_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.pending.sending(_pairs("a"), "digest", "one", 5.0)
        ledger.pending.sent(["a"], "batch-1")
        ledger.pending.let_go("one")
        assert ledger.pending.adopt("two", 6.0, unseen_since=0.0) == [Kept(_pairs("a")[0], "batch-1", "digest", 5.0)]


def test_a_row_is_adopted_by_one_process_only_and_not_from_one_that_still_looks(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger, open_ledger(tmp_path / "l.db") as other:
        ledger.pending.sending(_pairs("a", "b"), "digest", "one", 10.0)
        ledger.pending.sent(["a", "b"], "batch-1")
        assert other.pending.adopt("two", 100.0, unseen_since=10.0) == []
        ledger.pending.seen("one", "batch-1", 90.0)
        assert other.pending.adopt("two", 100.0, unseen_since=50.0) == []
        assert len(other.pending.adopt("two", 200.0, unseen_since=150.0)) == 2
        assert ledger.pending.adopt("three", 200.0, unseen_since=150.0) == []


def test_what_is_over_is_forgotten(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.pending.sending(_pairs("a", "b"), "digest", "one", 1.0)
        ledger.pending.over(["a"])
        assert [one.pair.call_id for one in ledger.pending.adopt("two", 9.0, unseen_since=9.0)] == ["b"]


def test_a_file_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "l.db")
    ledger.close()
    with pytest.raises(InternalError):
        ledger.pending.over(["a"])
