"""Create calls against the cache rules, the rate limits and the clock."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock.cachemodel.machine import Decisions
from penstock.simulator.config import Config
from penstock.simulator.limits import Limits
from penstock.simulator.provider import Provider
from tests.simulator.asking import ANTHROPIC, NOW, chat, kind, message, messages, read, responses, send

WORDS = "word " * 1500


def marked(text: str = WORDS, ttl: str | None = None) -> list[dict[str, Any]]:
    marker = {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}
    return [{"type": "text", "text": text, "cache_control": marker}]


def usage(provider: Provider, body: dict[str, Any], at: float = 0.0) -> dict[str, Any]:
    found: dict[str, Any] = read(send(provider, "/v1/messages", body, at=NOW + at))["usage"]
    return found


def test_t4_a_prefix_below_the_models_minimum_is_not_cached(provider: Provider) -> None:
    short = usage(provider, messages(system=marked("word " * 200)))
    assert (short["cache_creation_input_tokens"], short["cache_read_input_tokens"]) == (0, 0)


def test_t10_a_read_refreshes_and_life_counts_from_the_request(provider: Provider) -> None:
    body = messages(system=marked())
    assert usage(provider, body)["cache_creation_input_tokens"] > 0
    for at in (250, 500, 750):
        assert usage(provider, body, at)["cache_read_input_tokens"] > 0
    assert usage(provider, body, 1051)["cache_read_input_tokens"] == 0


def test_an_hour_is_written_at_its_own_rate(provider: Provider) -> None:
    found = usage(provider, messages(system=marked(ttl="1h")))
    assert found["cache_creation"]["ephemeral_1h_input_tokens"] == found["cache_creation_input_tokens"] > 0


def test_t9_calls_that_start_before_the_first_byte_all_write() -> None:
    provider = Provider(Config(first_byte_s=2.0))
    body = messages(system=marked())
    assert usage(provider, body, 0.0)["cache_creation_input_tokens"] > 0
    assert usage(provider, body, 1.0)["cache_creation_input_tokens"] > 0
    assert usage(provider, body, 2.5)["cache_read_input_tokens"] > 0


def test_a_call_that_never_began_stores_nothing_and_costs_nothing(provider: Provider) -> None:
    body = messages(system=marked())
    gone = provider.handle("POST", "/v1/messages", ANTHROPIC, msgspec.json.encode(body), NOW)
    assert gone.status == 200
    assert provider.billed() == []
    assert usage(provider, body, 1.0)["cache_read_input_tokens"] == 0


def test_t5_what_the_cache_rules_refuse_is_a_400(provider: Provider) -> None:
    five = [part for n in range(5) for part in marked(f"part {n}")]
    assert "maximum of 4 blocks" in message(send(provider, "/v1/messages", messages(system=five)))
    late = [*marked(), *marked("late", "1h")]
    assert "must not come after" in message(send(provider, "/v1/messages", messages(system=late)))
    assert provider.billed() == []


def test_t11_models_do_not_share_entries(provider: Provider) -> None:
    usage(provider, messages(system=marked()))
    assert usage(provider, messages(system=marked(), model="claude-haiku-5-5"))["cache_read_input_tokens"] == 0


def test_what_the_rules_leave_open_is_a_setting() -> None:
    provider = Provider(Config(decisions=Decisions(valid_at_boundary=False)))
    body = messages(system=marked())
    usage(provider, body)
    assert usage(provider, body, 300.0)["cache_read_input_tokens"] == 0


def test_openai_reads_count_in_the_total(provider: Provider) -> None:
    old = [read(send(provider, "/v1/chat/completions", chat(WORDS)))["usage"] for _ in range(2)]
    assert old[0]["prompt_tokens"] == old[1]["prompt_tokens"]
    cached = old[1]["prompt_tokens_details"]["cached_tokens"]
    assert cached >= 1024
    assert cached % 128 == 0
    new = [read(send(provider, "/v1/responses", responses(WORDS)))["usage"] for _ in range(2)]
    assert new[0]["input_tokens_details"]["cache_write_tokens"] == new[1]["input_tokens_details"]["cached_tokens"] > 0


def test_anthropic_cache_reads_are_free_of_the_input_limit() -> None:
    body = messages(system=marked())
    need = 2 * usage(Provider(), body)["cache_creation_input_tokens"]
    provider = Provider(Config(limits=Limits(input_tokens=need)))
    assert [send(provider, "/v1/messages", body).status for _ in range(5)] == [200] * 5
    refused = [send(provider, "/v1/messages", messages(system=f"{n} {WORDS}")).status for n in range(3)]
    assert refused[-1] == 429


def test_a_rate_limit_passes_again_after_the_time_that_it_names() -> None:
    provider = Provider(Config(limits=Limits(requests=2)))
    assert [send(provider, "/v1/messages", messages()).status for _ in range(2)] == [200, 200]
    refused = send(provider, "/v1/messages", messages())
    assert (refused.status, kind(refused)) == (429, "rate_limit_error")
    wait = float(dict(refused.headers)["retry-after"])
    assert wait == 30
    assert send(provider, "/v1/messages", messages(), at=NOW + wait).status == 200
    assert len(provider.billed()) == 3


def test_openai_charges_the_larger_of_cap_and_prompt_to_its_limit() -> None:
    provider = Provider(Config(limits=Limits(tokens=1000)))
    assert send(provider, "/v1/chat/completions", chat(max_tokens=900)).status == 200
    refused = send(provider, "/v1/chat/completions", chat(max_tokens=900))
    assert refused.status == 429
    assert read(refused)["error"]["code"] == "rate_limit_exceeded"


def test_output_tokens_use_up_their_own_limit() -> None:
    provider = Provider(Config(limits=Limits(output_tokens=100)))
    assert send(provider, "/v1/messages", messages("tell me at length")).status == 200
    assert send(provider, "/v1/messages", messages("again")).status == 429


@pytest.mark.parametrize("stream", [False, True])
def test_the_bill_is_what_the_response_reports(provider: Provider, stream: bool) -> None:
    response = send(provider, "/v1/messages", messages(system=marked(), stream=stream))
    (billed,) = provider.billed()
    assert billed.usage.cache_write_5m > 1000
    assert billed.stream is stream
    assert billed.id == dict(response.headers)["request-id"]
    expected = billed.usage.input_uncached * 2 + billed.usage.output * 10 + billed.usage.cache_write_5m * 2.5
    assert billed.cost == expected * 1_000_000
