"""The official OpenAI SDK, unmodified, over loopback."""

from __future__ import annotations

from typing import Any

import msgspec
import openai
import pytest
from pydantic import BaseModel

from penstock.simulator.server import Simulator
from tests.simulator.asking import CHAT, GPT, WEATHER_CHAT, WEATHER_RESPONSES

HELLO: list[Any] = [{"role": "user", "content": "Hello, how are you today?"}]
LONG = "Reference material that every call shares, word after word after word. " * 200


def test_a_plain_chat_completion(openai_sdk: openai.OpenAI, simulator: Simulator) -> None:
    raw = openai_sdk.chat.completions.with_raw_response.create(model=CHAT, messages=HELLO)
    completion = raw.parse()
    assert completion.choices[0].message.content.startswith("Simulated answer:")
    assert completion.choices[0].finish_reason == "stop"
    assert completion.service_tier == "default"
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["openai-organization"]
    assert int(raw.headers["x-ratelimit-limit-tokens"]) > 0
    (billed,) = simulator.bill
    assert billed.usage.input_total == completion.usage.prompt_tokens
    assert billed.usage.output == completion.usage.completion_tokens
    assert isinstance(billed.cost, int)


def test_a_chat_stream_gives_the_plain_answer_and_its_usage_only_when_asked(openai_sdk: openai.OpenAI) -> None:
    plain = openai_sdk.chat.completions.create(model=CHAT, messages=HELLO)
    bare = list(openai_sdk.chat.completions.create(model=CHAT, messages=HELLO, stream=True))
    assert all(chunk.usage is None for chunk in bare)
    chunks = list(
        openai_sdk.chat.completions.create(
            model=CHAT, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage == plain.usage
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text == plain.choices[0].message.content


def test_the_chat_stream_helper_assembles_the_answer(openai_sdk: openai.OpenAI) -> None:
    with openai_sdk.chat.completions.stream(
        model=CHAT, messages=HELLO, stream_options={"include_usage": True}
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content.startswith("Simulated answer:")
    assert final.usage is not None


def test_several_choices_are_billed_each(openai_sdk: openai.OpenAI) -> None:
    one = openai_sdk.chat.completions.create(model=CHAT, messages=HELLO)
    three = openai_sdk.chat.completions.create(model=CHAT, messages=HELLO, n=3)
    assert [choice.index for choice in three.choices] == [0, 1, 2]
    assert three.usage.completion_tokens == 3 * one.usage.completion_tokens


@pytest.mark.parametrize("streamed", [False, True])
def test_a_forced_chat_tool_call(openai_sdk: openai.OpenAI, streamed: bool) -> None:
    request: dict[str, Any] = {
        "model": CHAT,
        "messages": HELLO,
        "tools": [WEATHER_CHAT],
        "tool_choice": "required",
    }
    if streamed:
        with openai_sdk.chat.completions.stream(**request) as stream:
            choice = stream.get_final_completion().choices[0]
    else:
        choice = openai_sdk.chat.completions.create(**request).choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert isinstance(msgspec.json.decode(call.function.arguments)["city"], str)


class Verdict(BaseModel):
    fit: bool
    reason: str


def test_structured_answers_parse_into_the_callers_type(openai_sdk: openai.OpenAI) -> None:
    chat = openai_sdk.chat.completions.parse(model=CHAT, messages=HELLO, response_format=Verdict)
    assert isinstance(chat.choices[0].message.parsed, Verdict)
    response = openai_sdk.responses.parse(model=GPT, input="Judge", text_format=Verdict)
    assert isinstance(response.output_parsed, Verdict)


def test_a_plain_response_and_its_count(openai_sdk: openai.OpenAI, simulator: Simulator) -> None:
    response = openai_sdk.responses.create(model=GPT, input="Hello", reasoning={"effort": "high"})
    assert response.status == "completed"
    assert response.output_text.startswith("Simulated answer:")
    assert [item.type for item in response.output] == ["reasoning", "message"]
    assert 0 < response.usage.output_tokens_details.reasoning_tokens < response.usage.output_tokens
    count = openai_sdk.responses.input_tokens.count(model=GPT, input="Hello")
    assert count.input_tokens == response.usage.input_tokens
    assert len(simulator.bill) == 1, "counting is free"


def test_a_response_stream_by_events_and_by_helper(openai_sdk: openai.OpenAI) -> None:
    events = list(openai_sdk.responses.create(model=GPT, input="Hello", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    with openai_sdk.responses.stream(model=GPT, input="Hello") as stream:
        final = stream.get_final_response()
    assert final.output_text == events[-1].response.output_text
    assert final.usage == events[-1].response.usage


def test_a_response_over_its_cap_is_incomplete_and_billed_to_the_cap(openai_sdk: openai.OpenAI) -> None:
    request: dict[str, Any] = {"model": GPT, "input": "Hello", "max_output_tokens": 20, "reasoning": {"effort": "none"}}
    response = openai_sdk.responses.create(**request)
    assert response.status == "incomplete"
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage.output_tokens == 20
    events = list(openai_sdk.responses.create(**request, stream=True))
    assert events[-1].type == "response.incomplete"


def test_thinking_can_use_up_the_cap_and_leave_nothing_visible(openai_sdk: openai.OpenAI) -> None:
    response = openai_sdk.responses.create(
        model=GPT, input="Hello", max_output_tokens=16, reasoning={"effort": "xhigh"}
    )
    assert response.output_text == ""
    assert response.usage.output_tokens == response.usage.output_tokens_details.reasoning_tokens == 16


@pytest.mark.parametrize("streamed", [False, True])
def test_a_forced_response_tool_call(openai_sdk: openai.OpenAI, streamed: bool) -> None:
    request: dict[str, Any] = {"model": GPT, "input": "Rain?", "tools": [WEATHER_RESPONSES], "tool_choice": "required"}
    if streamed:
        with openai_sdk.responses.stream(**request) as stream:
            response = stream.get_final_response()
    else:
        response = openai_sdk.responses.create(**request)
    (call,) = [item for item in response.output if item.type == "function_call"]
    assert call.name == "weather"
    assert isinstance(msgspec.json.decode(call.arguments)["city"], str)


def test_a_conversation_goes_on_by_response_id(openai_sdk: openai.OpenAI) -> None:
    first = openai_sdk.responses.create(model=GPT, input=LONG)
    second = openai_sdk.responses.create(model=GPT, input="And then?", previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.input_tokens
    assert second.usage.input_tokens_details.cached_tokens == first.usage.input_tokens_details.cache_write_tokens > 1000
    with pytest.raises(openai.BadRequestError) as caught:
        openai_sdk.responses.create(model=GPT, input="And?", previous_response_id="resp_unknown")
    assert caught.value.code == "previous_response_not_found"


async def test_the_asynchronous_client_plain_and_streamed(simulator: Simulator) -> None:
    async with openai.AsyncOpenAI(base_url=simulator.openai_base_url, api_key="k", max_retries=0) as client:
        plain = await client.chat.completions.create(model=CHAT, messages=HELLO)
        stream = await client.chat.completions.create(model=CHAT, messages=HELLO, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert text == plain.choices[0].message.content
        async with client.responses.stream(model=GPT, input="Hello") as events:
            assert (await events.get_final_response()).output_text


def test_models_are_listed(openai_sdk: openai.OpenAI) -> None:
    listed = [model.id for model in openai_sdk.models.list()]
    assert GPT in listed
    assert not any(name.startswith("claude") for name in listed)
    assert openai_sdk.models.retrieve(GPT).owned_by == "system"


def test_embeddings_of_like_texts_lie_near_each_other(openai_sdk: openai.OpenAI) -> None:
    texts = ["the red fox jumps", "a red fox jumps high", "quarterly revenue of the group"]
    vectors = [
        each.embedding for each in openai_sdk.embeddings.create(model="text-embedding-3-small", input=texts).data
    ]

    def dot(left: list[float], right: list[float]) -> float:
        return sum(a * b for a, b in zip(left, right, strict=True))

    assert dot(vectors[0], vectors[0]) == pytest.approx(1, abs=1e-5)
    assert dot(vectors[0], vectors[1]) > dot(vectors[0], vectors[2]) + 0.2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("400", openai.BadRequestError),
        ("401", openai.AuthenticationError),
        ("403", openai.PermissionDeniedError),
        ("404", openai.NotFoundError),
        ("409", openai.ConflictError),
        ("422", openai.UnprocessableEntityError),
        ("429", openai.RateLimitError),
        ("429-no-retry-after", openai.RateLimitError),
        ("spend-limit", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("close-before-response", openai.APIConnectionError),
        ("garbage", openai.APIConnectionError),
    ],
)
def test_each_refusal_is_the_sdks_own_exception(
    openai_sdk: openai.OpenAI, simulator: Simulator, fault: str, error: type[openai.APIError]
) -> None:
    with pytest.raises(error) as caught:
        openai_sdk.responses.create(model=GPT, input="Hello", extra_headers={"x-simulator-fault": fault})
    if isinstance(caught.value, openai.APIStatusError):
        assert caught.value.request_id
        assert set(caught.value.body) == {"message", "type", "param", "code"}
    if fault == "spend-limit":
        assert caught.value.code == "insufficient_quota"
    assert simulator.bill == []


def test_the_sdk_retries_after_the_time_that_it_is_told(simulator: Simulator) -> None:
    simulator.inject("429=0.01@nth=1;429=0.02@nth=2")
    with openai.OpenAI(base_url=simulator.openai_base_url, api_key="k", max_retries=2) as client:
        assert client.responses.create(model=GPT, input="Hello").id
    assert [request.status for request in simulator.requests] == [429, 429, 200]


def test_a_chat_stream_that_is_cut_breaks(openai_sdk: openai.OpenAI, simulator: Simulator) -> None:
    stream = openai_sdk.chat.completions.create(
        model=CHAT, messages=HELLO, stream=True, extra_headers={"x-simulator-fault": "cut-stream=4"}
    )
    with pytest.raises(openai.APIConnectionError):
        list(stream)
    assert not simulator.bill[0].complete


def test_an_error_event_raises_in_chat_and_in_responses(openai_sdk: openai.OpenAI) -> None:
    headers = {"x-simulator-fault": "error-event=2"}
    chat = openai_sdk.chat.completions.create(model=CHAT, messages=HELLO, stream=True, extra_headers=headers)
    with pytest.raises(openai.APIError):
        list(chat)
    events = openai_sdk.responses.create(model=GPT, input="Hello", stream=True, extra_headers=headers)
    assert [event.type for event in events][-1] == "error"


def test_a_malformed_chunk_is_not_json(openai_sdk: openai.OpenAI) -> None:
    stream = openai_sdk.chat.completions.create(
        model=CHAT, messages=HELLO, stream=True, extra_headers={"x-simulator-fault": "malformed-chunk=2"}
    )
    with pytest.raises(ValueError, match="line 1"):
        list(stream)


def test_a_stream_without_usage_loses_its_last_chunk(openai_sdk: openai.OpenAI) -> None:
    chunks = list(
        openai_sdk.chat.completions.create(
            model=CHAT,
            messages=HELLO,
            stream=True,
            stream_options={"include_usage": True},
            extra_headers={"x-simulator-fault": "no-usage"},
        )
    )
    assert all(chunk.usage is None for chunk in chunks)


def test_an_unknown_event_passes_through(openai_sdk: openai.OpenAI) -> None:
    headers = {"x-simulator-fault": "unknown-event=1"}
    events = openai_sdk.responses.create(model=GPT, input="Hello", stream=True, extra_headers=headers)
    assert [event.type for event in events][-1] == "response.completed"
    chunks = openai_sdk.chat.completions.create(model=CHAT, messages=HELLO, stream=True, extra_headers=headers)
    assert [chunk for chunk in chunks if not chunk.choices]
