"""Cache diagnostics through the SDK clients: asked for, kept, and not shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from penstock.client import Penstock
from penstock.policy.schema import CachePolicy, Holdback, Policy, TaskPolicy
from penstock.simulator.server import Simulator, running

FAST: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}
RULES = "What each side owes the other, clause by clause, and by when. " * 400
SYSTEMS = (RULES, RULES, "New. " + RULES)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as running_simulator:
        yield running_simulator


@pytest.fixture
def penstock(simulator: Simulator) -> Iterator[Penstock]:
    policy = Policy(
        mode="apply", holdback=Holdback(share=0.0), defaults=TaskPolicy(cache=CachePolicy(diagnostics=True))
    )
    base_urls = {"openai_base_url": simulator.openai_base_url, "anthropic_base_url": simulator.base_url}
    with Penstock(policy, **base_urls, clock=simulator.clock.now) as made:
        yield made


def _said(penstock: Penstock) -> list[str]:
    return ["" if one.diagnosis is None else one.diagnosis.word for one in penstock.calls]


MESSAGE: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 50,
    "messages": [{"role": "user", "content": "Who pays?"}],
}


def test_a_whole_message_is_asked_about_and_shown_without_it(penstock: Penstock) -> None:
    with penstock.anthropic(**FAST) as sdk:
        shown = [sdk.messages.create(system=system, **MESSAGE) for system in SYSTEMS]
    assert _said(penstock) == ["", "reusable", "system_changed"]
    assert [one.diagnostics for one in shown] == [None, None, None]


def test_a_streamed_message_too(penstock: Penstock) -> None:
    with penstock.anthropic(**FAST) as sdk:
        shown = []
        for system in SYSTEMS:
            with sdk.messages.stream(system=system, **MESSAGE) as stream:
                shown.append(stream.get_final_message())
    assert _said(penstock) == ["", "reusable", "system_changed"]
    assert [one.diagnostics for one in shown] == [None, None, None]


async def test_the_async_client_asks_too(penstock: Penstock) -> None:
    async with penstock.async_openai(**FAST) as sdk:
        shown = [
            await sdk.responses.create(model="gpt-6.1-sol", instructions=system, input="Who pays?")
            for system in SYSTEMS
        ]
    assert _said(penstock) == ["", "reusable", "input_changed"]
    assert [one.prompt_cache_diagnostics for one in shown] == [None, None, None]
    options = [one.prompt_cache_options for one in shown]
    assert [one.comparison_response_id for one in options if one is not None] == [None, None, None]
