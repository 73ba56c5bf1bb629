from __future__ import annotations

from pathlib import Path

from penstock.ledger.labels import SavedLabel
from penstock.ledger.sqlite import open_ledger


def label(number: int, *, opened_at: float = 1.0, task: str = "t") -> SavedLabel:
    return SavedLabel(task, "small", opened_at, number, -0.5, number % 2 == 0, b"\x01\x00\x00\x00", b"\x00\x00\x80?")


def test_pairs_are_kept_in_order_by_whose_they_are(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.labels.save([label(2), label(1), label(1, task="other"), label(1, opened_at=5.0)])
        ledger.labels.save([label(2)])
        assert ledger.labels.of("t", "small", 1.0) == [label(1), label(2)]
        assert ledger.labels.of("t", "large", 1.0) == []


def test_old_pairs_and_those_of_earlier_evidence_are_dropped(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.labels.save([label(1), label(1, opened_at=5.0), label(2, opened_at=5.0), label(1, task="other")])
        ledger.labels.forget("t", "small", 5.0, before=2)
        assert ledger.labels.of("t", "small", 1.0) == []
        assert [one.number for one in ledger.labels.of("t", "small", 5.0)] == [2]
        assert len(ledger.labels.of("other", "small", 1.0)) == 1
