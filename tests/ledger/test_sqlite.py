from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.record import Call, ExtraSend
from penstock.errors import InputError, InternalError
from penstock.ledger.migrations import STEPS, migrate
from penstock.ledger.sqlite import Amended, open_ledger, read_ledger
from penstock.money import Picodollars
from tests.ledger.calls import call


def extra(cost: int | None) -> ExtraSend:
    known = None if cost is None else Picodollars(cost)
    return ExtraSend(purpose="shadow", model="m", reason="r", status=200, usage=None, cost=known)


def test_a_call_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    kept = call(tags={"team": "search"}, extra_sends=(extra(3),), prompt="ab", latency_ms=1.5)
    with open_ledger(tmp_path / "l.db") as ledger:
        assert ledger.append([kept]) == 1
    with open_ledger(tmp_path / "l.db", create=False) as ledger:
        assert ledger.get(kept.id) == kept
        assert list(ledger.calls()) == [kept]


def test_a_call_is_kept_once() -> None:
    with open_ledger(":memory:") as ledger:
        assert ledger.append([call(1), call(2)]) == 2
        assert ledger.append([call(2), call(3)]) == 1
        assert [kept.id for kept in ledger.calls()] == ["call_0001", "call_0002", "call_0003"]


def test_calls_are_found_by_time_task_model_and_arm() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(1), call(2, task="other"), call(3, model_sent="m2"), call(4, arm="holdback")])
        found = lambda **where: [kept.id[-1] for kept in ledger.calls(**where)]  # noqa: E731
        assert found(since=1002.0) == ["2", "3", "4"]
        assert found(until=1002.0) == ["1"]
        assert found(task="other") == ["2"]
        assert found(model="m2") == ["3"]
        assert found(arm="holdback") == ["4"]
        assert found(newest=2) == ["3", "4"]


def test_following_begins_where_the_last_read_stopped() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(1), call(2)])
        first = ledger.after(None)
        place = (first[-1].started_at, first[-1].id)
        assert ledger.after(place) == []
        ledger.append([call(3)])
        assert [kept.id for kept in ledger.after(place)] == ["call_0003"]


def test_totals_keep_unknown_costs_apart() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append(
            [
                call(1, cost=Picodollars(7), cost_before=Picodollars(9)),
                call(2, cost=Picodollars(5), cost_before=None),
                call(3, cost=None),
                call(4, cost=Picodollars(1), extra_sends=(extra(None),)),
                call(5, task="b", cost=Picodollars(20), cost_before=Picodollars(10), extra_sends=(extra(2),)),
            ]
        )
        (everything,) = ledger.totals()
        assert (everything.calls, everything.unknown) == (5, 2)
        assert (everything.cost, everything.cost_before, everything.saved) == (34, 19, -10)
        assert [(total.group, total.cost) for total in ledger.totals(["task"])] == [(("b",), 22), (("triage",), 12)]
        assert ledger.totals(since=5000.0) == []


amounts = st.none() | st.integers(-(10**18), 9 * 10**18)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=30))
def test_sums_are_exact_beyond_sixty_four_bits(rows: list[tuple[int | None, int | None]]) -> None:
    calls: list[Call] = [call(number, cost=cost, cost_before=before) for number, (cost, before) in enumerate(rows)]
    with open_ledger(":memory:") as ledger:
        ledger.append(calls)
        (total,) = ledger.totals()
        both = [(cost, before) for cost, before in rows if cost is not None and before is not None]
        assert total.cost == sum(cost for cost, _ in rows if cost is not None)
        assert total.cost_before == sum(before for _, before in both)
        assert total.saved == sum(before - cost for cost, before in both)
        assert total.unknown == sum(cost is None for cost, _ in rows)


def test_a_cost_beyond_a_column_is_unknown_and_not_wrong() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(1, cost=Picodollars(2**70))])
        (total,) = ledger.totals()
        assert (total.cost, total.unknown) == (0, 1)
        kept = ledger.get("call_0001")
        assert kept is not None
        assert kept.cost == 2**70


def test_grouping_by_another_column_is_refused() -> None:
    with open_ledger(":memory:") as ledger, pytest.raises(InputError, match="grouped"):
        ledger.totals(["record; DROP TABLE calls"])


def test_the_view_shows_the_record_as_columns(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.append([call(1)])
        row = ledger._connection.execute("SELECT input_uncached, output, dialect FROM call_details").fetchone()
        assert row == (10, 5, "anthropic.messages")


def test_two_writers_share_a_file(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as one, open_ledger(tmp_path / "l.db") as two:
        one.append([call(1)])
        two.append([call(2)])
        assert len(list(one.calls())) == 2


def test_a_missing_file_is_named_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ledger at") as caught:
        open_ledger(tmp_path / "none.db", create=False)
    assert caught.value.hint is not None


def test_a_file_that_is_no_database_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "l.db").write_text("hello, this is not a database at all\n" * 20)
    with pytest.raises(InputError, match="cannot open"):
        open_ledger(tmp_path / "l.db")


def test_a_ledger_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(InternalError, match="cannot be written"):
            ledger.append([call(1)])
        ledger._connection.execute("PRAGMA query_only = 0")
        assert ledger.append([call(1)]) == 1


def test_the_calls_that_raised_an_alarm_are_found_by_their_index() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(1), call(3, alarm="late"), call(2, alarm="early")])
        assert [one.alarm for one in ledger.alarmed()] == ["early", "late"]
        (plan,) = ledger._connection.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM calls WHERE alarm IS NOT NULL ORDER BY started_at"
        ).fetchall()
        assert "calls_alarm" in plan[-1]


def test_an_amended_record_takes_the_place_of_the_one_before_it_in_the_same_write(tmp_path: Path) -> None:
    extra = ExtraSend(purpose="shadow", model="m", reason="agreed", status=200, usage=None, cost=Picodollars(3))
    with open_ledger(tmp_path / "l.db") as ledger:
        amended = Amended(call(1, extra_sends=(extra,)))
        assert ledger.write([call(1), amended, call(2)]) == 2
        assert ledger.write([Amended(call(9, extra_sends=(extra,)))]) == 0
        found = ledger.get(call(1).id)
        assert found is not None
        assert found.extra_sends == (extra,)
        assert ledger.get(call(9).id) is None
        assert [one.extra_sends for one in ledger.calls()] == [(extra,), ()]


def test_a_reader_sees_one_state_of_the_file_and_no_writer_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with open_ledger(path) as writer:
        writer.append([call(1), call(2)])
        with read_ledger(path) as reader:
            looking = reader.calls()
            assert next(looking).id == "call_0001"
            assert writer.append([call(3)]) == 1
            assert [kept.id for kept in looking] == ["call_0002"]
            assert reader.totals()[0].calls == 2
        with read_ledger(path) as reader:
            assert reader.totals()[0].calls == 3


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    open_ledger(path).close()
    with read_ledger(path) as reader:
        with pytest.raises(InternalError):
            reader.append([call(1)])
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._connection.execute("DELETE FROM calls")


def test_a_file_of_another_version_is_read_by_nobody_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        migrate(connection, STEPS[:-1])
    with pytest.raises(InputError, match="this version reads") as refused:
        read_ledger(path)
    assert refused.value.hint == f"penstock ledger {path} brings it up to date"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS) - 1,)


@pytest.mark.parametrize("content", [None, b"", b"not a database at all, and long enough to be looked at twice"])
def test_what_is_no_ledger_is_not_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "l.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        read_ledger(path)
    assert refused.value.hint
    assert path.exists() == (content is not None)


def test_pages_go_from_the_newest_call_back_without_a_gap() -> None:
    with open_ledger(":memory:") as ledger:
        ledger.append([call(number, started_at=1.0 + number // 3, task="ab"[number % 2]) for number in range(1, 8)])
        first = ledger.page(3)
        second = ledger.page(9, before=first[-1].id)
        assert [one.id for one in [*first, *second]] == [f"call_000{number}" for number in range(7, 0, -1)]
        assert [one.id[-1] for one in ledger.page(2, before="call_0006", task="b")] == ["5", "3"]
        assert ledger.page(3, model="other") == []
        assert ledger.page(3, before="nothing") == []
        assert ledger.span() == (1.0, 3.0)


def test_a_ledger_without_calls_spans_no_time() -> None:
    with open_ledger(":memory:") as ledger:
        assert ledger.span() is None
