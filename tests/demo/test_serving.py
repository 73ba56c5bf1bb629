from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from penstock.demo.serving import serving
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.policy.schema import Policy, Upstream
from penstock.simulator.server import running


def test_the_gateway_serves_while_the_block_runs_and_its_books_are_closed_after(tmp_path: Path) -> None:
    body = {"model": "gpt-6.1-sol", "messages": [{"role": "user", "content": "hello"}]}
    with running() as simulator:
        policy = Policy(upstream={"openai": Upstream(base_url=simulator.base_url)})
        books = Books(ledger=tmp_path / "ledger.sqlite")
        with serving(policy, books, simulator.clock.now) as url:
            path = f"{url}/v1/chat/completions"
            answer = httpx2.post(path, json=body, headers={"authorization": "Bearer k"})
            assert answer.status_code == 200
        with pytest.raises(httpx2.ConnectError):
            httpx2.post(path, json=body)
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        assert [call.model_sent for call in ledger.calls()] == ["gpt-6.1-sol"]
