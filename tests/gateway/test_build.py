from __future__ import annotations

import io
from pathlib import Path

import pytest

from penstock.errors import UsageError
from penstock.gateway.build import build_gateway, provider_keys, upstreams_of
from penstock.gateway.logs import Log
from penstock.ledger.books import Books
from penstock.policy.schema import Policy, Upstream


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
