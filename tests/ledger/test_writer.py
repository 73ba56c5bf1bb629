from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from penstock.errors import InternalError
from penstock.ledger.writer import MOST_AT_ONCE, Writer

SOON = 5.0


def test_every_item_reaches_the_sink_once_and_in_order() -> None:
    kept: list[int] = []
    writer: Writer[int] = Writer(kept.extend, gather_s=0.001)
    for number in range(MOST_AT_ONCE * 3):
        assert writer.put(number)
    assert writer.close(SOON)
    assert kept == list(range(MOST_AT_ONCE * 3))
    assert (writer.written, writer.refused, writer.waiting) == (MOST_AT_ONCE * 3, 0, 0)


def test_a_full_queue_refuses_and_counts_and_never_waits() -> None:
    go_on = threading.Event()

    def sink(batch: Sequence[int]) -> None:
        go_on.wait(SOON)

    writer: Writer[int] = Writer(sink, capacity=10, gather_s=0.001)
    taken = sum(writer.put(number) for number in range(50))
    assert taken == 10
    assert writer.refused == 40
    go_on.set()
    assert writer.close(SOON)
    assert writer.written == 10


def test_items_of_a_failed_write_are_tried_again() -> None:
    kept: list[int] = []
    failed, full = threading.Event(), threading.Event()
    full.set()

    def sink(batch: Sequence[int]) -> None:
        if full.is_set():
            failed.set()
            raise InternalError("the disk is full")
        kept.extend(batch)

    writer: Writer[int] = Writer(sink, gather_s=0.001, retry_s=0.001)
    writer.put(1)
    assert failed.wait(SOON)
    writer.put(2)
    full.clear()
    assert writer.close(SOON)
    assert kept == [1, 2]
    assert writer.failing is None


def test_what_cannot_be_written_at_the_close_is_counted() -> None:
    def sink(batch: Sequence[int]) -> None:
        raise InternalError("the disk is full")

    writer: Writer[int] = Writer(sink, gather_s=0.001, retry_s=0.001)
    writer.put(1)
    assert not writer.close(SOON)
    assert (writer.written, writer.refused, writer.failing) == (0, 1, "the disk is full")


def test_one_item_that_cannot_be_kept_does_not_stop_the_others() -> None:
    kept: list[int] = []
    gathered = threading.Event()

    def sink(batch: Sequence[int]) -> None:
        gathered.wait(SOON)
        if 2 in batch:
            raise ValueError("two")
        kept.extend(batch)

    writer: Writer[int] = Writer(sink, gather_s=0.001)
    for number in range(5):
        writer.put(number)
    gathered.set()
    assert writer.close(SOON)
    assert kept == [0, 1, 3, 4]
    assert writer.refused == 1


def test_a_closed_writer_takes_nothing() -> None:
    writer: Writer[int] = Writer(list)
    assert writer.close(SOON)
    assert not writer.put(1)


@pytest.mark.parametrize("batches", [1, 3])
def test_batches_are_bounded(batches: int) -> None:
    sizes: list[int] = []
    go_on = threading.Event()

    def sink(batch: Sequence[int]) -> None:
        go_on.wait(SOON)
        sizes.append(len(batch))

    writer: Writer[int] = Writer(sink, gather_s=0.001)
    for number in range(MOST_AT_ONCE * batches):
        writer.put(number)
    go_on.set()
    assert writer.close(SOON)
    assert max(sizes) <= MOST_AT_ONCE
    assert sum(sizes) == MOST_AT_ONCE * batches
