"""Batches that outlive the gateway that sent them: read by the next one, paid for once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from penstock.engine.record import Call
from penstock.evidence.gate import Gate, State
from penstock.gateway.kept_batches import credentials_digest
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.policy.schema import Upstream
from penstock.simulator.batches import PATH
from penstock.simulator.clock import ManualClock
from penstock.simulator.config import Config
from penstock.simulator.reply import Reply
from penstock.simulator.server import Simulator, running
from tests.gateway.running import Running, eventually, serving
from tests.gateway.test_batches import CHEAP, GATE, QUICK, _ask, _policy

START = 1_795_000_000.0


class Restarts:
    """Gateways one after another on one ledger, and a provider whose batches take an hour."""

    def __init__(self, simulator: Simulator, clock: ManualClock, ledger: Path, gate: str = GATE) -> None:
        self.simulator = simulator
        self.clock = clock
        self.ledger = ledger
        self.gate_text = gate

    def serving(self, *, own_key: str | None = "k") -> Any:
        policy = _policy(self.simulator, self.gate_text)
        environment = {}
        if own_key is not None:
            upstream = Upstream(base_url=self.simulator.base_url, api_key="env:KEY")
            policy = msgspec.structs.replace(policy, upstream={"anthropic": upstream})
            environment = {"KEY": own_key}
        books = Books(ledger=self.ledger)
        return serving(policy, books=books, settings=QUICK, clock=self.clock.now, environment=environment)

    def calls(self) -> list[Call]:
        with open_ledger(self.ledger) as ledger:
            return list(ledger.calls())

    def gate(self) -> Gate:
        with open_ledger(self.ledger) as ledger:
            return ledger.gates.book().gates["label"][CHEAP]

    def left(self) -> int:
        with open_ledger(self.ledger) as ledger:
            return len(ledger.pending.adopt("a test", 0.0, unseen_since=0.0))

    def batches(self) -> int:
        return sum(one.path == PATH and one.method == "POST" for one in self.simulator.provider.logged())


@pytest.fixture
def restarts(tmp_path: Path) -> Iterator[Restarts]:
    clock = ManualClock(START)

    def responder(*asked: Any) -> Reply:
        return Reply(text="spam", output_tokens=20)

    with running(Config(responder=responder, batch_s=3600.0), clock=clock) as simulator:
        yield Restarts(simulator, clock, tmp_path / "l.db")


def _three(gateway: Running) -> None:
    for number in range(3):
        assert _ask(gateway, f"mail {number}").is_success
    eventually(lambda: sum(bool(call.extra_sends) for call in gateway.books.recent) == 3)


def _reasons(calls: list[Call]) -> list[str]:
    return [call.extra_sends[0].reason for call in calls]


def test_a_batch_is_read_by_the_next_gateway_and_paid_for_once(restarts: Restarts) -> None:
    with restarts.serving() as gateway:
        _three(gateway)
    assert all(reason.startswith("waits for batch") for reason in _reasons(restarts.calls()))
    restarts.clock.advance(3600.0)
    with restarts.serving():
        eventually(lambda: _reasons(restarts.calls()) == ["agreed (equal, after a restart)"] * 3)
    assert (restarts.gate().test.n, restarts.gate().state) == (3, State.SHADOW)
    assert (restarts.batches(), restarts.left()) == (1, 0)
    assert sum(call.cost_all or 0 for call in restarts.calls()) == sum(one.cost for one in restarts.simulator.bill)


def test_a_batch_that_is_not_over_yet_goes_on_waiting_through_several_restarts(restarts: Restarts) -> None:
    with restarts.serving() as gateway:
        _three(gateway)
    with restarts.serving() as gateway:
        looked = len(restarts.simulator.provider.logged())
        eventually(lambda: len(restarts.simulator.provider.logged()) > looked + 2)
    assert restarts.gate().test.n == 0
    restarts.clock.advance(3600.0)
    with restarts.serving():
        eventually(lambda: _reasons(restarts.calls()) == ["agreed (equal, after a restart)"] * 3)
    assert restarts.gate().test.n == 3


def test_a_batch_of_a_caller_s_own_key_is_read_when_that_caller_is_heard_again(restarts: Restarts) -> None:
    with restarts.serving(own_key=None) as gateway:
        _three(gateway)
    restarts.clock.advance(3600.0)
    with restarts.serving(own_key=None) as gateway:
        assert _ask(gateway, "another caller", key="other").is_success
        gateway.calls(1)
        assert all(reason.startswith("waits") for reason in _reasons(restarts.calls()[:3]))
        assert _ask(gateway, "the same caller").is_success
        eventually(lambda: _reasons(restarts.calls()[:3]) == ["agreed (equal, after a restart)"] * 3)


def test_what_nobody_can_read_in_time_is_written_off(restarts: Restarts) -> None:
    with restarts.serving(own_key=None) as gateway:
        _three(gateway)
    restarts.clock.advance(QUICK.batch_deadline_s + 1.0)
    with restarts.serving(own_key=None):
        said = "written off: what came of its batch cannot be read"
        eventually(lambda: _reasons(restarts.calls()) == [said] * 3)
    assert [call.cost_all for call in restarts.calls()] == [None] * 3
    assert (restarts.gate().test.n, restarts.left()) == (0, 0)


def test_a_process_that_died_while_it_sent_a_batch_leaves_no_hidden_bill(restarts: Restarts) -> None:
    with restarts.serving() as gateway:
        _three(gateway)
    with open_ledger(restarts.ledger) as ledger:
        kept = ledger.pending.adopt("dead", START, unseen_since=START)
        ledger.pending.over([one.pair.call_id for one in kept])
        ledger.pending.sending([one.pair for one in kept], "credentials", "dead", START)
    restarts.clock.advance(3600.0)
    with restarts.serving():
        eventually(lambda: all(reason.startswith("written off") for reason in _reasons(restarts.calls())))
    assert restarts.batches() == 1


def test_a_ledger_that_cannot_be_written_meanwhile_costs_no_batch_and_no_clean_close(restarts: Restarts) -> None:
    with restarts.serving() as gateway:
        _three(gateway)
        with open_ledger(restarts.ledger) as ledger:
            ledger._connection.execute("DROP TABLE pending_pairs")
        failures = gateway.gateway.house.context.failures
        eventually(lambda: failures["batch: ledger"] > 1)
        restarts.clock.advance(3600.0)
        eventually(lambda: _reasons(list(gateway.books.recent)) == ["agreed (equal)"] * 3)
    assert "lost" not in gateway.log


def test_rows_of_a_gateway_that_runs_are_left_to_it(restarts: Restarts) -> None:
    with restarts.serving() as first:
        _three(first)
        with restarts.serving() as second:
            asked = len(restarts.simulator.provider.logged())
            eventually(lambda: len(restarts.simulator.provider.logged()) > asked + 3)
            house = second.gateway.house
            assert house.resuming is not None
            assert house.resuming.orphans == 0
        restarts.clock.advance(3600.0)
        eventually(lambda: _reasons(list(first.books.recent)) == ["agreed (equal)"] * 3)
    assert restarts.gate().test.n == 3


def test_no_key_and_no_text_is_kept(restarts: Restarts) -> None:
    with restarts.serving() as gateway:
        _ask(gateway, "a very private question", key="a-very-private-key")
        for number in range(2):
            _ask(gateway, f"mail {number}", key="a-very-private-key")
        eventually(lambda: sum(bool(call.extra_sends) for call in gateway.books.recent) == 3)
    raw = b"".join(path.read_bytes() for path in restarts.ledger.parent.glob("l.db*"))
    assert b"very-private-key" not in raw
    assert b"very private question" not in raw


def test_credentials_are_told_apart_by_what_pays_and_by_nothing_else() -> None:
    one = [(b"x-api-key", b"k"), (b"anthropic-version", b"2023-06-01")]
    assert credentials_digest(one) == credentials_digest(one[:1])
    assert credentials_digest(one) != credentials_digest([(b"x-api-key", b"j")])
