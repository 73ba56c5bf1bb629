"""The official SDKs against the provider in process, without a socket."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import httpx2
import openai
import pytest

from penstock.simulator.clock import ManualClock
from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.simulator.transport import AsyncSimulatorTransport, SimulatorTransport
from tests.simulator.asking import CHAT, CLAUDE, GPT

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def client(provider: Provider) -> Iterator[anthropic.Anthropic]:
    http = httpx2.Client(transport=SimulatorTransport(provider))
    with anthropic.Anthropic(api_key="k", max_retries=0, http_client=http) as made:
        yield made


def test_both_sdks_talk_to_it(provider: Provider, client: anthropic.Anthropic) -> None:
    assert client.messages.create(model=CLAUDE, max_tokens=50, messages=HELLO).usage.output_tokens
    with client.messages.stream(model=CLAUDE, max_tokens=50, messages=HELLO) as stream:
        assert stream.get_final_message().stop_reason
    http = httpx2.Client(transport=SimulatorTransport(provider))
    with openai.OpenAI(api_key="k", max_retries=0, http_client=http) as sdk:
        assert sdk.chat.completions.create(model=CHAT, messages=HELLO).usage
        with sdk.responses.stream(model=GPT, input="Hello") as events:
            assert events.get_final_response().output_text
    assert [(billed.path, billed.complete) for billed in provider.billed()] == [
        ("/v1/messages", True),
        ("/v1/messages", True),
        ("/v1/chat/completions", True),
        ("/v1/responses", True),
    ]


async def test_the_asynchronous_sdks_talk_to_it(provider: Provider) -> None:
    http = httpx2.AsyncClient(transport=AsyncSimulatorTransport(provider))
    async with anthropic.AsyncAnthropic(api_key="k", max_retries=0, http_client=http) as client:
        assert (await client.messages.create(model=CLAUDE, max_tokens=50, messages=HELLO)).id
        async with client.messages.stream(model=CLAUDE, max_tokens=50, messages=HELLO) as stream:
            assert (await stream.get_final_message()).stop_reason
        with pytest.raises(anthropic.InternalServerError):
            await client.messages.create(
                model=CLAUDE,
                max_tokens=9,
                messages=HELLO,
                extra_headers={"x-simulator-fault": "529, slow-first-byte=0.01"},
            )
    assert len(provider.billed()) == 2


@pytest.mark.parametrize("fault", ["close-before-response", "garbage"])
def test_what_is_no_http_is_a_connection_error(client: anthropic.Anthropic, provider: Provider, fault: str) -> None:
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO, extra_headers={"x-simulator-fault": fault})
    assert provider.billed() == []


def test_a_cut_stream_breaks_where_it_was_cut(client: anthropic.Anthropic, provider: Provider) -> None:
    stream = client.messages.create(
        model=CLAUDE, max_tokens=500, messages=HELLO, stream=True, extra_headers={"x-simulator-fault": "cut-stream=4"}
    )
    with pytest.raises(httpx2.RemoteProtocolError):
        list(stream)
    (billed,) = provider.billed()
    assert not billed.complete


def test_a_stream_that_the_caller_drops_is_booked_in_part(client: anthropic.Anthropic, provider: Provider) -> None:
    with client.messages.create(model=CLAUDE, max_tokens=500, messages=HELLO, stream=True) as stream:
        next(iter(stream))
    (billed,) = provider.billed()
    assert not billed.complete


def test_a_wait_beyond_the_read_timeout_is_raised_without_waiting(
    client: anthropic.Anthropic, provider: Provider
) -> None:
    with pytest.raises(anthropic.APITimeoutError):
        client.messages.create(
            model=CLAUDE,
            max_tokens=9,
            messages=HELLO,
            timeout=60,
            extra_headers={"x-simulator-fault": "slow-first-byte=3600"},
        )
    assert provider.billed() == []


def test_a_manual_clock_moves_by_what_a_call_took() -> None:
    provider, clock = Provider(Config(first_byte_s=0.5, tokens_per_s=100)), ManualClock(1_795_305_600.0)
    http = httpx2.Client(transport=SimulatorTransport(provider, clock, advance=True))
    with openai.OpenAI(api_key="k", max_retries=0, http_client=http) as sdk:
        sdk.chat.completions.create(model=CHAT, messages=HELLO)
    (billed,) = provider.billed()
    assert clock.now() == pytest.approx(1_795_305_600.5 + billed.usage.output / 100)
