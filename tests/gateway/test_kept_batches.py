from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from penstock.errors import InternalError
from penstock.gateway.kept_batches import KeptBatches, credentials_digest
from tests.engine.test_late import PAIR

PAIRS = [msgspec.structs.replace(PAIR, call_id=call) for call in ("a", "b")]


def kept_by(owner: str, path: Path, at: float, failures: list[str] | None = None) -> KeptBatches:
    return KeptBatches(path, owner, lambda: at, [].append if failures is None else failures.append)


async def test_what_a_process_leaves_in_a_batch_is_taken_over_by_the_next(tmp_path: Path) -> None:
    first = kept_by("one", tmp_path / "l.db", 10.0)
    await first.sending(PAIRS, "digest")
    await first.sent(["a", "b"], "batch-1")
    await first.over(["a"])
    await first.close()
    second = kept_by("two", tmp_path / "l.db", 20.0)
    assert [(one.pair.call_id, one.batch) for one in await second.adopt(3600.0)] == [("b", "batch-1")]
    assert await second.adopt(3600.0) == []
    await second.close()


async def test_a_batch_that_a_process_looks_at_is_left_to_it(tmp_path: Path) -> None:
    first = kept_by("one", tmp_path / "l.db", 100.0)
    await first.sending(PAIRS, "digest")
    await first.sent(["a", "b"], "batch-1")
    await first.seen("batch-1")
    second, late = kept_by("two", tmp_path / "l.db", 150.0), kept_by("three", tmp_path / "l.db", 900.0)
    assert await second.adopt(60.0) == []
    assert len(await late.adopt(60.0)) == 2
    for one in (first, second, late):
        await one.close()


async def test_what_must_be_kept_raises_and_what_only_notes_is_counted(tmp_path: Path) -> None:
    failures: list[str] = []
    kept = kept_by("one", tmp_path / "l.db", 1.0, failures)
    await kept.close()
    await kept.over(["a"])
    assert failures == ["batch: ledger"]
    with pytest.raises(InternalError):
        await kept.sending(PAIRS, "digest")


def test_who_pays_is_told_by_a_digest_that_other_headers_do_not_change() -> None:
    paying = [(b"authorization", b"Bearer k"), (b"accept", b"*/*")]
    assert credentials_digest(paying) == credentials_digest(paying[:1])
    assert credentials_digest(paying) != credentials_digest([(b"authorization", b"Bearer other")])
    assert "Bearer" not in credentials_digest(paying)
