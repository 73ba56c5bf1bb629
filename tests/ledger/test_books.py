from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import InputError
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from tests.ledger.calls import call
from tests.ledger.test_traffic import exchanged


def test_calls_and_traffic_reach_their_files(tmp_path: Path) -> None:
    books = Books(ledger=tmp_path / "l.db", record=tmp_path / "t.jsonl")
    heard: list[str] = []
    books.heard.append(lambda kept: heard.append(kept.id))
    assert books.records_traffic
    for number in range(3):
        books.keep(call(number))
        books.keep_traffic(exchanged())
    assert books.close()
    with open_ledger(tmp_path / "l.db", create=False) as ledger:
        assert len(list(ledger.calls())) == 3
    assert len((tmp_path / "t.jsonl").read_bytes().splitlines()) == 3
    assert heard == ["call_0000", "call_0001", "call_0002"]


def test_without_files_calls_are_only_remembered() -> None:
    books = Books(recent=2)
    for number in range(3):
        books.keep(call(number))
        books.keep_traffic(exchanged())
    assert [kept.id for kept in books.recent] == ["call_0001", "call_0002"]
    assert not books.records_traffic
    assert books.writers == {}
    assert books.close()


def test_a_file_that_cannot_be_opened_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Books(ledger=tmp_path / "l.db", record=tmp_path / "no" / "t.jsonl")


def test_an_amended_record_is_the_one_that_is_remembered_and_written(tmp_path: Path) -> None:
    books = Books(ledger=tmp_path / "l.db")
    books.keep(call(1))
    books.keep(call(2))
    books.amend(call(1, finish="length"))
    assert [one.finish for one in books.recent] == ["length", call(2).finish]
    assert books.close()
    with open_ledger(tmp_path / "l.db") as ledger:
        assert [one.finish for one in ledger.calls()] == ["length", call(2).finish]
