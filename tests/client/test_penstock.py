from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from penstock.client import Penstock
from penstock.errors import PolicyError, UsageError
from penstock.policy.schema import Policy, Upstream
from penstock.simulator.server import running as simulating


def test_a_client_of_its_own_is_refused_with_a_hint() -> None:
    with Penstock(Policy()) as penstock, pytest.raises(UsageError) as caught:
        penstock.openai(api_key="k", http_client=object())
    assert caught.value.hint is not None


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_missing_sdk_is_named_with_a_hint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with Penstock(Policy()) as penstock, pytest.raises(UsageError, match=name) as caught:
        getattr(penstock, name)(api_key="k")
    assert caught.value.hint is not None
    assert "pip install" in caught.value.hint


def test_a_missing_policy_file_is_a_policy_error() -> None:
    with pytest.raises(PolicyError):
        Penstock("/no/such/penstock.toml")


def test_the_policy_s_upstreams_are_the_base_urls() -> None:
    upstream = {
        "openai": Upstream(base_url="http://127.0.0.1:1/v1"),
        "anthropic": Upstream(base_url="http://127.0.0.1:2/"),
    }
    with Penstock(Policy(upstream=upstream)) as penstock:
        with penstock.openai(api_key="k") as gpt, penstock.anthropic(api_key="k") as claude:
            assert str(gpt.base_url).rstrip("/") == "http://127.0.0.1:1/v1"
            assert str(claude.base_url).rstrip("/") == "http://127.0.0.1:2"
        with penstock.openai(api_key="k", base_url="http://127.0.0.1:3/v1") as own:
            assert str(own.base_url).rstrip("/") == "http://127.0.0.1:3/v1"


def test_the_clients_are_the_sdks_own_classes() -> None:
    import anthropic  # noqa: PLC0415 - beside its only use
    import openai  # noqa: PLC0415 - the same

    with Penstock(Policy()) as penstock:
        made = (
            penstock.openai(api_key="k"),
            penstock.async_openai(api_key="k"),
            penstock.anthropic(api_key="k"),
            penstock.async_anthropic(api_key="k"),
        )
    kinds = (openai.OpenAI, openai.AsyncOpenAI, anthropic.Anthropic, anthropic.AsyncAnthropic)
    assert tuple(type(client) for client in made) == kinds


def test_what_was_learnt_is_there_again_after_a_restart(tmp_path: Path) -> None:
    message: Any = {"role": "user", "content": "Say something about rivers."}
    counts = []
    with simulating() as simulator:
        for _ in range(2):
            with (
                Penstock(Policy(), ledger=tmp_path / "l.db", anthropic_base_url=simulator.base_url) as penstock,
                penstock.anthropic(api_key="k", max_retries=0) as claude,
            ):
                claude.messages.create(model="claude-haiku-4-5", max_tokens=40, messages=[message])
                counts.append(penstock.context.evidence.calibration.by_model["claude-haiku-4-5"].calls)
    assert counts == [1, 2]
