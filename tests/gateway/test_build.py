from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anthropic
import pytest

from penstock.errors import UsageError
from penstock.gateway.budgets import Spender
from penstock.gateway.build import build_gateway, month_begin, provider_keys, reload_policy, upstreams_of
from penstock.gateway.logs import Log
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.money import Picodollars
from penstock.policy.schema import Policy, Upstream
from penstock.policy.serving import Budget
from penstock.simulator.server import running as simulating
from tests.gateway.running import policy_for, serving
from tests.ledger.calls import call


def test_without_a_policy_requests_go_to_the_public_addresses() -> None:
    found = upstreams_of(Policy(), {})
    assert {name: [one.origin.host for one in ones] for name, ones in found.items()} == {
        "openai": ["api.openai.com"],
        "anthropic": ["api.anthropic.com"],
    }


def test_the_policy_names_addresses_and_mirrors() -> None:
    policy = Policy(upstream={"openai": Upstream(base_url="http://a.test/v1", mirrors=("https://b.test",))})
    origins = [one.origin for one in upstreams_of(policy, {})["openai"]]
    assert [(origin.host, origin.tls) for origin in origins] == [("a.test", False), ("b.test", True)]


def test_a_wrong_address_or_key_stops_the_start() -> None:
    with pytest.raises(UsageError):
        upstreams_of(Policy(upstream={"openai": Upstream(base_url="a.test")}), {})
    with pytest.raises(UsageError):
        provider_keys(Policy(upstream={"openai": Upstream(api_key="env:NONE")}), {})


async def test_a_gateway_closes_its_books(tmp_path: Path) -> None:
    books = Books(ledger=tmp_path / "l.db")
    gateway = build_gateway(
        Policy(), books, clock=lambda: 0.0, ids=lambda: "c", log=Log(lambda: 0.0, io.StringIO()), environment={}
    )
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> dict[str, str]:
        return next(events)

    async def send(message: dict[str, str]) -> None:
        sent.append(message["type"])

    await gateway({"type": "lifespan"}, receive, send)  # type: ignore[arg-type]
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert not books.writers["ledger"].put(None)  # type: ignore[arg-type]


async def test_another_policy_comes_into_force_whole_or_not_at_all() -> None:
    first = Policy(budgets={"all": Budget(usd=1.0)})
    log = Log(lambda: 0.0, io.StringIO())
    gateway = build_gateway(first, Books(), clock=lambda: 0.0, ids=lambda: "c", log=log, environment={})
    house = gateway.house
    _, reservation = house.budgets.reserve(Spender(), 5, 0.0)
    assert reservation is not None
    wrong = Policy(mode="apply", upstream={"openai": Upstream(api_key="env:NONE")})
    with pytest.raises(UsageError):
        reload_policy(house, wrong, {})
    assert house.context.policy is first
    right = Policy(
        mode="apply", budgets={"all": Budget(usd=1.0)}, upstream={"openai": Upstream(base_url="http://a.test")}
    )
    reload_policy(house, right, {})
    assert house.context.policy is right
    assert house.upstreams["openai"].origin.host == "a.test"
    assert house.budgets.standing()[0][2] == 5
    assert len(house.retired) == 2


def test_budgets_remember_the_month_from_the_ledger(tmp_path: Path) -> None:
    noon = 1_790_000_000.0
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.append([call(1, started_at=noon, cost=Picodollars(7)), call(2, started_at=noon - 90 * 86_400)])
    books = Books(ledger=tmp_path / "l.db")
    policy = Policy(budgets={"all": Budget(usd=1.0)})
    log = Log(lambda: noon, io.StringIO())
    gateway = build_gateway(policy, books, clock=lambda: noon, ids=lambda: "c", log=log, environment={})
    assert gateway.house.budgets.standing()[0][2] == 7
    assert month_begin(noon) <= noon < month_begin(noon) + 31 * 86_400
    books.close()


def test_a_restart_goes_on_with_what_was_learnt(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    with simulating() as simulator:
        policy = policy_for(simulator.base_url)
        learnt = []
        for _ in range(2):
            with serving(policy, books=Books(ledger=path)) as gateway:
                learnt.append(gateway.gateway.house.context.evidence)
                with anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as claude:
                    content = [{"role": "user", "content": "Say something about rivers."}]
                    claude.messages.create(model="claude-haiku-4-5", max_tokens=40, messages=content)  # type: ignore[arg-type]
                gateway.calls(1)
    assert [evidence.calibration.by_model["claude-haiku-4-5"].calls for evidence in learnt] == [1, 2]
    assert len(learnt[1].reuse.prefixes) == len(learnt[0].reuse.prefixes) > 0


def test_a_budget_that_is_raised_or_renamed_remembers_what_was_spent_and_a_new_one_reads_the_ledger(
    tmp_path: Path,
) -> None:
    noon = 1_790_000_000.0
    with open_ledger(tmp_path / "l.db") as ledger:
        ledger.append([call(1, started_at=noon, cost=Picodollars(7), task="triage")])
    books = Books(ledger=tmp_path / "l.db")
    log = Log(lambda: noon, io.StringIO())
    policy = Policy(budgets={"all": Budget(usd=1.0)})
    house = build_gateway(policy, books, clock=lambda: noon, ids=lambda: "c", log=log, environment={}).house
    wider = {"total": Budget(usd=2.0, action="warn"), "triage": Budget(usd=1.0, task="triage", period="day")}
    reload_policy(house, Policy(budgets=wider), {})
    assert [(name, spent) for name, _, spent, _ in house.budgets.standing()] == [("total", 7), ("triage", 7)]
    books.close()


def test_a_reload_drops_no_call_and_streams_end_where_they_began() -> None:
    content: Any = [{"role": "user", "content": "Say something about rivers."}]
    with simulating() as first, simulating() as second:
        first.inject("slow-stream=0.05@times=1")
        with (
            serving(policy_for(first.base_url)) as gateway,
            anthropic.Anthropic(base_url=gateway.url, api_key="k", max_retries=0) as claude,
            ThreadPoolExecutor(8) as pool,
        ):
            house, loop = gateway.gateway.house, gateway.loop
            kinds = []

            def ask(_: int) -> str:
                return claude.messages.create(model="claude-haiku-4-5", max_tokens=20, messages=content).id

            with claude.messages.create(
                model="claude-haiku-4-5", max_tokens=40, messages=content, stream=True
            ) as stream:
                kinds.append(next(iter(stream)).type)
                asked = [pool.submit(ask, number) for number in range(40)]
                for place in (second, first, second):
                    loop.call_soon_threadsafe(reload_policy, house, policy_for(place.base_url), {})
                    asked += [pool.submit(ask, number) for number in range(20)]
                kinds += [event.type for event in stream]
            assert len([one.result(60) for one in asked]) == 100
            ask(0)
            calls = gateway.calls(102)
        assert kinds[-1] == "message_stop"
        assert len(first.bill) + len(second.bill) == 102
        assert second.bill
    assert all(call.status == 200 and call.error_kind is None for call in calls)
