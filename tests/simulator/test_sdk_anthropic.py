"""The official Anthropic SDK, unmodified, over loopback."""

from __future__ import annotations

import anthropic
import msgspec
import pytest

from penstock.simulator.server import Simulator
from tests.simulator.asking import CLAUDE, WEATHER_ANTHROPIC

HELLO = [{"role": "user", "content": "Hello, how are you today?"}]
LONG = "Reference material that every call shares, word after word after word. " * 200


def test_a_plain_message(anthropic_sdk: anthropic.Anthropic, simulator: Simulator) -> None:
    raw = anthropic_sdk.messages.with_raw_response.create(model=CLAUDE, max_tokens=2000, messages=HELLO)
    message = raw.parse()
    assert message.content[-1].text.startswith("Simulated answer:")
    assert message.stop_reason == "end_turn"
    assert message.usage.service_tier == "standard"
    assert raw.headers["request-id"].startswith("req_")
    assert raw.headers["anthropic-organization-id"]
    assert int(raw.headers["anthropic-ratelimit-requests-limit"]) > 0
    (billed,) = simulator.bill
    assert billed.usage.input_uncached == message.usage.input_tokens
    assert billed.usage.output == message.usage.output_tokens
    assert billed.id == raw.headers["request-id"]
    assert isinstance(billed.cost, int)


def test_the_key_comes_in_either_header(simulator: Simulator) -> None:
    with anthropic.Anthropic(
        base_url=simulator.base_url, api_key="k", default_headers={"x-api-key": "k", "authorization": ""}
    ) as client:
        assert client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO).id
    assert {request.headers["x-api-key"] for request in simulator.requests} == {"<redacted>"}


def test_a_stream_by_events_and_by_helper_gives_the_plain_answer(anthropic_sdk: anthropic.Anthropic) -> None:
    plain = anthropic_sdk.messages.create(model=CLAUDE, max_tokens=2000, messages=HELLO)
    events = list(anthropic_sdk.messages.create(model=CLAUDE, max_tokens=2000, messages=HELLO, stream=True))
    assert [event.type for event in (events[0], events[-1])] == ["message_start", "message_stop"]
    assert events[0].message.usage.output_tokens == 1
    with anthropic_sdk.messages.stream(model=CLAUDE, max_tokens=2000, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == plain.content[-1].text
    assert final.stop_reason == plain.stop_reason
    assert final.usage.output_tokens == plain.usage.output_tokens
    assert final.usage.cache_creation == plain.usage.cache_creation


async def test_the_asynchronous_client_plain_and_streamed(simulator: Simulator) -> None:
    async with anthropic.AsyncAnthropic(base_url=simulator.base_url, api_key="k", max_retries=0) as client:
        plain = await client.messages.create(model=CLAUDE, max_tokens=2000, messages=HELLO)
        async with client.messages.stream(model=CLAUDE, max_tokens=2000, messages=HELLO) as stream:
            text = "".join([piece async for piece in stream.text_stream])
        assert text == plain.content[-1].text
        count = await client.messages.count_tokens(model=CLAUDE, messages=HELLO)
        assert count.input_tokens == plain.usage.input_tokens


@pytest.mark.parametrize("streamed", [False, True])
def test_a_forced_tool_call_parses(anthropic_sdk: anthropic.Anthropic, streamed: bool) -> None:
    request = {
        "model": "claude-sonnet-4-6",
        "max_tokens": 500,
        "messages": HELLO,
        "tools": [WEATHER_ANTHROPIC],
        "tool_choice": {"type": "tool", "name": "weather"},
    }
    if streamed:
        with anthropic_sdk.messages.stream(**request) as stream:
            message = stream.get_final_message()
    else:
        message = anthropic_sdk.messages.create(**request)
    assert message.stop_reason == "tool_use"
    (block,) = message.content
    assert block.type == "tool_use"
    assert isinstance(block.input["city"], str)


def test_thinking_comes_before_the_answer_and_is_billed(anthropic_sdk: anthropic.Anthropic) -> None:
    with anthropic_sdk.messages.stream(model="claude-opus-5-5", max_tokens=4000, messages=HELLO) as stream:
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].signature
    details = message.usage.output_tokens_details
    assert details is not None
    assert 0 < details.thinking_tokens < message.usage.output_tokens


def test_an_answer_over_its_cap_is_cut_and_billed_to_the_cap(anthropic_sdk: anthropic.Anthropic) -> None:
    message = anthropic_sdk.messages.create(model="claude-sonnet-4-6", max_tokens=7, messages=HELLO)
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 7
    assert len(message.content[0].text.split()) <= 7


def test_a_cached_prefix_is_written_then_read_then_forgotten(
    anthropic_sdk: anthropic.Anthropic, simulator: Simulator
) -> None:
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]

    def usage() -> anthropic.types.Usage:
        return anthropic_sdk.messages.create(model=CLAUDE, max_tokens=50, system=system, messages=HELLO).usage

    first, second = usage(), usage()
    assert first.cache_creation is not None
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_creation_input_tokens > 1000
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert second.cache_creation_input_tokens == 0
    assert second.input_tokens == first.input_tokens
    simulator.clock.advance(301)
    assert usage().cache_creation_input_tokens == first.cache_creation_input_tokens
    costs = [billed.cost for billed in simulator.bill]
    assert costs[1] < costs[0] == costs[2]


def test_models_are_listed_and_found(anthropic_sdk: anthropic.Anthropic) -> None:
    listed = [model.id for model in anthropic_sdk.models.list()]
    assert CLAUDE in listed
    assert not any(name.startswith("gpt") for name in listed)
    assert anthropic_sdk.models.retrieve(CLAUDE).display_name
    with pytest.raises(anthropic.NotFoundError):
        anthropic_sdk.models.retrieve("claude-none")


def test_a_schema_shapes_the_answer(anthropic_sdk: anthropic.Anthropic) -> None:
    schema = {
        "type": "object",
        "properties": {"fit": {"type": "boolean"}, "score": {"type": "integer", "minimum": 0, "maximum": 10}},
        "required": ["fit", "score"],
        "additionalProperties": False,
    }
    message = anthropic_sdk.messages.create(
        model="claude-sonnet-4-6",
        max_tokens=500,
        messages=HELLO,
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    answer = msgspec.json.decode(message.content[0].text)
    assert isinstance(answer["fit"], bool)
    assert 0 <= answer["score"] <= 10


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("400", anthropic.BadRequestError),
        ("401", anthropic.AuthenticationError),
        ("402", anthropic.APIStatusError),
        ("403", anthropic.PermissionDeniedError),
        ("404", anthropic.NotFoundError),
        ("409", anthropic.ConflictError),
        ("413", anthropic.APIStatusError),
        ("429", anthropic.RateLimitError),
        ("429-no-retry-after", anthropic.RateLimitError),
        ("spend-limit", anthropic.RateLimitError),
        ("500", anthropic.InternalServerError),
        ("504", anthropic.APIStatusError),
        ("529", anthropic.APIStatusError),
        ("close-before-response", anthropic.APIConnectionError),
        ("garbage", anthropic.APIConnectionError),
    ],
)
def test_each_refusal_is_the_sdks_own_exception(
    anthropic_sdk: anthropic.Anthropic, simulator: Simulator, fault: str, error: type[anthropic.APIError]
) -> None:
    with pytest.raises(error) as caught:
        anthropic_sdk.messages.create(
            model=CLAUDE, max_tokens=9, messages=HELLO, extra_headers={"x-simulator-fault": fault}
        )
    names = {
        "402": "PaymentRequiredError",
        "413": "ContentTooLargeError",
        "504": "GatewayTimeoutError",
        "529": "OverloadedError",
        "spend-limit": "EnforcedSpendLimitReachedError",
    }
    assert type(caught.value).__name__ == names.get(fault, error.__name__)
    if isinstance(caught.value, anthropic.APIStatusError):
        assert caught.value.request_id
    assert simulator.bill == []


def test_the_sdk_retries_after_the_time_that_it_is_told(simulator: Simulator) -> None:
    simulator.inject("429=0.01@nth=1;429=0.02@nth=2")
    with anthropic.Anthropic(base_url=simulator.base_url, api_key="k", max_retries=2) as client:
        assert client.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO).id
    assert [request.status for request in simulator.requests] == [429, 429, 200]
    assert [request.headers["x-stainless-retry-count"] for request in simulator.requests] == ["0", "1", "2"]
    assert len(simulator.bill) == 1


def test_a_stream_that_is_cut_breaks_and_bills_what_was_generated(
    anthropic_sdk: anthropic.Anthropic, simulator: Simulator
) -> None:
    stream = anthropic_sdk.messages.create(
        model=CLAUDE, max_tokens=2000, messages=HELLO, stream=True, extra_headers={"x-simulator-fault": "cut-stream=6"}
    )
    seen = []
    with pytest.raises(Exception, match=r"peer closed|incomplete|Connection"):
        seen.extend(stream)
    assert len(seen) < 6
    (billed,) = simulator.bill
    assert not billed.complete
    assert billed.usage.output < 2000


def test_a_stream_that_ends_early_leaves_no_stop_reason(anthropic_sdk: anthropic.Anthropic) -> None:
    with anthropic_sdk.messages.stream(
        model=CLAUDE, max_tokens=2000, messages=HELLO, extra_headers={"x-simulator-fault": "end-stream=5"}
    ) as stream:
        assert stream.get_final_message().stop_reason is None


def test_an_error_event_in_a_stream_raises_with_status_200(anthropic_sdk: anthropic.Anthropic) -> None:
    stream = anthropic_sdk.messages.create(
        model=CLAUDE, max_tokens=2000, messages=HELLO, stream=True, extra_headers={"x-simulator-fault": "error-event=4"}
    )
    with pytest.raises(anthropic.APIStatusError) as caught:
        list(stream)
    assert caught.value.status_code == 200
    assert caught.value.type == "overloaded_error"


def test_an_unknown_event_passes_through(anthropic_sdk: anthropic.Anthropic) -> None:
    stream = anthropic_sdk.messages.create(
        model=CLAUDE,
        max_tokens=2000,
        messages=HELLO,
        stream=True,
        extra_headers={"x-simulator-fault": "unknown-event=2"},
    )
    assert "message_stop" in [event.type for event in stream]


def test_a_malformed_chunk_is_not_json(anthropic_sdk: anthropic.Anthropic) -> None:
    stream = anthropic_sdk.messages.create(
        model=CLAUDE,
        max_tokens=2000,
        messages=HELLO,
        stream=True,
        extra_headers={"x-simulator-fault": "malformed-chunk=4"},
    )
    with pytest.raises(ValueError, match="line 1"):
        list(stream)


def test_a_body_without_usage_still_parses(anthropic_sdk: anthropic.Anthropic) -> None:
    message = anthropic_sdk.messages.create(
        model=CLAUDE, max_tokens=9, messages=HELLO, extra_headers={"x-simulator-fault": "no-usage"}
    )
    assert not hasattr(message, "usage") or message.usage is None


def test_a_slow_first_byte_runs_into_the_clients_timeout_and_stores_nothing(simulator: Simulator) -> None:
    with (
        anthropic.Anthropic(base_url=simulator.base_url, api_key="k", max_retries=0, timeout=0.05) as client,
        pytest.raises(anthropic.APITimeoutError),
    ):
        client.messages.create(
            model=CLAUDE, max_tokens=9, messages=HELLO, extra_headers={"x-simulator-fault": "slow-first-byte=5"}
        )
    assert simulator.bill == []
