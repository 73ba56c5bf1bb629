from __future__ import annotations

import io

from penstock.gateway.budgets import Verdict
from penstock.gateway.build import build_gateway
from penstock.gateway.headers import take_apart
from penstock.gateway.house import House
from penstock.gateway.logs import Log
from penstock.ledger.books import Books
from penstock.policy.schema import Policy, Upstream

NOW = [0.0]


def house(out: io.StringIO) -> House:
    policy = Policy(upstream={"anthropic": Upstream(api_key="env:REAL")})
    log = Log(lambda: NOW[0], out)
    built = build_gateway(
        policy, Books(), clock=lambda: NOW[0], ids=lambda: "c", log=log, environment={"REAL": "sk-real"}
    )
    return built.house


async def test_a_provider_key_takes_the_place_of_the_caller_s_in_its_own_style() -> None:
    made = house(io.StringIO())
    bearer = take_apart([(b"a", b"1"), (b"authorization", b"Bearer k"), (b"x-api-key", b"k")])
    assert made.credentials("anthropic", bearer) == [(b"a", b"1"), (b"authorization", b"Bearer sk-real")]
    assert made.credentials("anthropic", take_apart([(b"x-api-key", b"k")])) == [(b"x-api-key", b"sk-real")]
    assert made.credentials("openai", bearer) == bearer.forwarded


async def test_a_budget_is_spoken_of_once_in_a_day() -> None:
    out = io.StringIO()
    made = house(out)
    for at in (0.0, 100.0, 90_000.0):
        NOW[0] = at
        made.warn_of_budget(Verdict("warn", "site"))
    assert out.getvalue().count("budget=site") == 2


async def test_gauges_name_what_runs_waits_and_is_left_alone() -> None:
    names = {name for name, _, _ in house(io.StringIO()).gauges()}
    assert {"penstock_running_calls", "penstock_waiting_calls", "penstock_breaker_open"} <= names
