"""Shadows by the batch API: at half the price, hours after the answer, and never a hidden bill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from penstock.gateway.settings import Settings
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.policy.load import load_policy
from penstock.policy.schema import Holdback, Levers
from penstock.simulator.batches import PATH
from penstock.simulator.config import Config
from penstock.simulator.reply import Reply
from penstock.simulator.server import Simulator, running
from tests.gateway.running import Running, eventually, policy_for, serving

STRONG, CHEAP = "claude-opus-5-5", "claude-haiku-4-5"
GATE = f'[tasks.label.gate]\ncandidate = "{CHEAP}"\nshadow_share = 1.0\nshadow_batch = true\n'
QUICK = Settings(drain_s=5, batch_most=3, batch_wait_s=60.0, batch_poll_s=0.01)


def _policy(simulator: Simulator, gate: str = GATE) -> Any:
    changes = {"holdback": Holdback(share=0.0), "levers": Levers(cache=False), "tasks": load_policy(gate).tasks}
    return policy_for(simulator.base_url, mode="apply", **changes)


def _ask(gateway: Running, text: str, key: str = "k") -> httpx2.Response:
    body = {"model": STRONG, "max_tokens": 4096, "messages": [{"role": "user", "content": text}]}
    headers = {"x-api-key": key, "anthropic-version": "2023-06-01", "x-penstock-task": "label"}
    return httpx2.post(f"{gateway.url}/v1/messages", json=body, headers=headers)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running(Config(responder=lambda *_: Reply(text="spam", output_tokens=20))) as made:
        yield made


def _settled(gateway: Running, count: int) -> None:
    eventually(
        lambda: (
            sum(bool(call.extra_sends) and call.extra_sends[0].status is not None for call in gateway.books.recent)
            == count
        )
    )


def test_shadows_go_together_at_half_the_price_and_teach_the_gate(simulator: Simulator, tmp_path: Path) -> None:
    books = Books(ledger=tmp_path / "l.db")
    with serving(_policy(simulator), books=books, settings=QUICK) as gateway:
        answers = [_ask(gateway, f"mail {number}") for number in range(3)]
        _settled(gateway, 3)
        gate = gateway.gateway.house.context.gates.book.gates["label"][CHEAP]
        assert (gate.test.n, gate.test.losses) == (3, 0.0)
        failures = dict(gateway.gateway.house.context.failures)
    assert failures == {}
    assert [answer.json()["model"] for answer in answers] == [STRONG] * 3
    assert [billed.tier for billed in simulator.bill] == ["standard"] * 3 + ["batch"] * 3
    with open_ledger(tmp_path / "l.db") as ledger:
        calls = list(ledger.calls())
    assert [call.extra_sends[0].reason for call in calls] == ["agreed (equal)"] * 3
    assert sum(call.cost_all or 0 for call in calls) == sum(billed.cost for billed in simulator.bill)


def test_the_caller_and_the_books_do_not_wait_and_a_batch_s_cost_is_unknown_until_it_is_over() -> None:
    with running(Config(batch_s=1e9)) as simulator, serving(_policy(simulator), settings=QUICK) as gateway:
        assert all(_ask(gateway, f"mail {number}").is_success for number in range(3))
        assert gateway.calls(3)[0].status == 200
        eventually(lambda: all(call.extra_sends for call in gateway.books.recent))
        (extra,) = gateway.books.recent[0].extra_sends
        assert extra.reason.startswith("waits for batch msgbatch_")
        assert gateway.books.recent[0].cost_all is None
    calls = list(gateway.books.recent)
    assert {call.extra_sends[0].reason for call in calls} == {
        "written off: its batch was not over when the process ended"
    }
    assert [call.cost_all for call in calls] == [None] * 3


def test_what_was_never_sent_is_given_up_at_the_close_and_costs_nothing(simulator: Simulator, tmp_path: Path) -> None:
    with serving(_policy(simulator), books=Books(ledger=tmp_path / "l.db"), settings=QUICK) as gateway:
        assert _ask(gateway, "mail").is_success
        gateway.calls(1)
    with open_ledger(tmp_path / "l.db") as ledger:
        (call,) = ledger.calls()
    assert call.extra_sends == ()
    assert call.cost_all is not None
    assert len(simulator.bill) == 1


def test_a_batch_that_waits_long_enough_goes_with_what_there_is_and_keys_are_kept_apart(simulator: Simulator) -> None:
    settings = Settings(drain_s=5, batch_most=100, batch_wait_s=0.05, batch_poll_s=0.01)
    with serving(_policy(simulator), settings=settings) as gateway:
        _ask(gateway, "mail 1", key="one")
        _ask(gateway, "mail 2", key="two")
        _settled(gateway, 2)
    batches = [one for one in simulator.provider.logged() if one.path == PATH]
    assert [one.body.count(b"custom_id") for one in batches] == [1, 1]


def test_a_batch_api_that_refuses_leaves_the_calls_without_shadows_and_is_counted(simulator: Simulator) -> None:
    simulator.inject("403@path=/batches")
    with serving(_policy(simulator), settings=Settings(drain_s=5, batch_most=1)) as gateway:
        assert _ask(gateway, "mail").is_success
        failures = gateway.gateway.house.context.failures
        eventually(lambda: failures["batch: ValueError"] == 1)
        assert gateway.books.recent[0].extra_sends == ()
        assert gateway.books.recent[0].cost_all is not None


def test_results_that_cannot_be_read_leave_a_cost_that_is_not_known_and_teach_nothing(simulator: Simulator) -> None:
    simulator.inject("403@path=/results")
    with serving(_policy(simulator), settings=Settings(drain_s=5, batch_most=1, batch_poll_s=0.01)) as gateway:
        assert _ask(gateway, "mail").is_success
        said = "not compared: the candidate did not answer"
        eventually(lambda: [one.reason for call in gateway.books.recent for one in call.extra_sends] == [said])
        assert gateway.books.recent[0].cost_all is None
        assert gateway.gateway.house.context.gates.book.gates["label"][CHEAP].test.n == 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_openai_s_batches_do_the_same(simulator: Simulator, path: str) -> None:
    gate = GATE.replace(CHEAP, "gpt-5-mini")
    with serving(_policy(simulator, gate), settings=QUICK) as gateway:
        for number in range(3):
            said = f"mail {number}"
            asked = {"input": said} if path == "/v1/responses" else {"messages": [{"role": "user", "content": said}]}
            headers = {"authorization": "Bearer k", "x-penstock-task": "label"}
            assert httpx2.post(f"{gateway.url}{path}", json={"model": "gpt-5", **asked}, headers=headers).is_success
        _settled(gateway, 3)
        calls = list(gateway.books.recent)
    assert [call.extra_sends[0].reason for call in calls] == ["agreed (equal)"] * 3
    assert [billed.tier for billed in simulator.bill][3:] == ["batch"] * 3
    assert sum(call.cost_all or 0 for call in calls) == sum(billed.cost for billed in simulator.bill)
