"""The official SDKs behave the same through the gateway as direct: each behaviour runs both ways and is compared.

A behaviour gives back what a program can see: values, exception classes and attributes, raw headers and bodies, and how
many requests reached the provider. What must differ (ids of requests, our own headers) is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from penstock.policy.schema import Policy
from penstock.simulator.clock import ManualClock
from penstock.simulator.server import Simulator
from penstock.simulator.server import running as simulating
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import policy_for, serving

CLAUDE = "claude-haiku-4-5"
GPT = "gpt-5-mini"
MESSAGES: Any = [{"role": "user", "content": "Say something about rivers."}]
TOOLS: Any = [{"name": "look_up", "description": "Looks up.", "input_schema": {"type": "object", "properties": {}}}]
VOLATILE = {"date", "request-id", "x-request-id", "content-length", "transfer-encoding", "connection", "keep-alive"}

Behaviour = Callable[[str, Simulator], Any]


def claude(url: str, **more: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=url, api_key="k", **{"max_retries": 0, **more})


def gpt(url: str, **more: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="k", **{"max_retries": 0, **more})


def stable(value: Any) -> Any:
    """A value without what is new in every run."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, dict):
        dropped = ("id", "created", "created_at", "request_id", "_request_id", "item_id", "completed_at")
        return {key: stable(item) for key, item in value.items() if key not in dropped}
    return [stable(item) for item in value] if isinstance(value, list) else value


def headers_of(headers: httpx2.Headers) -> dict[str, str]:
    kept = {name: value for name, value in headers.items() if name not in VOLATILE}
    return {name: value for name, value in kept.items() if not name.startswith("x-penstock-") and "reset" not in name}


def error_of(work: Callable[[], Any], *classes: type[Exception]) -> Any:
    try:
        work()
    except classes as error:
        body = stable(getattr(error, "body", None))
        status = getattr(error, "status_code", None)
        kind = getattr(error, "type", None)
        return type(error).__name__, status, kind, getattr(error, "code", None), body
    raise AssertionError("no error")


def plain_messages(url: str, simulator: Simulator) -> Any:
    with claude(url) as client:
        return stable(client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, tools=TOOLS))


def plain_chat(url: str, simulator: Simulator) -> Any:
    with gpt(url) as client:
        return stable(client.chat.completions.create(model=GPT, messages=MESSAGES))


def plain_responses(url: str, simulator: Simulator) -> Any:
    with gpt(url) as client:
        return stable(client.responses.create(model=GPT, input="Say something."))


def streamed_messages(url: str, simulator: Simulator) -> Any:
    with claude(url) as client:
        return [
            stable(event)
            for event in client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True)
        ]


def streamed_messages_helper(url: str, simulator: Simulator) -> Any:
    with claude(url) as client, client.messages.stream(model=CLAUDE, max_tokens=40, messages=MESSAGES) as stream:
        return ["".join(stream.text_stream), stable(stream.get_final_message())]


def streamed_chat(url: str, simulator: Simulator) -> Any:
    with gpt(url) as client:
        chunks = [stable(chunk) for chunk in client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True)]
    for chunk in chunks:
        chunk.pop("usage", None)  # null on each chunk once the usage is asked for
    return chunks


def streamed_chat_with_usage(url: str, simulator: Simulator) -> Any:
    options: Any = {"include_usage": True}
    with gpt(url) as client:
        stream = client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True, stream_options=options)
        return [stable(chunk) for chunk in stream]


def streamed_responses_helper(url: str, simulator: Simulator) -> Any:
    with gpt(url) as client, client.responses.stream(model=GPT, input="Say something.") as stream:
        kinds = [event.type for event in stream]
        return kinds, stable(stream.get_final_response())


def raw_responses(url: str, simulator: Simulator) -> Any:
    with claude(url) as one, gpt(url) as two:
        first = one.messages.with_raw_response.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
        second = two.chat.completions.with_raw_response.create(model=GPT, messages=MESSAGES)
        return (
            headers_of(first.headers),
            headers_of(second.headers),
            stable(first.parse()),
            first.http_response.status_code,
        )


def other_endpoints(url: str, simulator: Simulator) -> Any:
    with claude(url) as one, gpt(url) as two:
        return (
            one.messages.count_tokens(model=CLAUDE, messages=MESSAGES).input_tokens,
            [model.id for model in one.models.list()],
            [model.id for model in two.models.list()],
            stable(two.embeddings.create(model="text-embedding-3-small", input="x")),
        )


def bad_requests(url: str, simulator: Simulator) -> Any:
    with claude(url) as one, gpt(url) as two:
        return [
            error_of(lambda: one.messages.create(model="none", max_tokens=9, messages=MESSAGES), anthropic.APIError),
            error_of(lambda: one.messages.create(model=CLAUDE, max_tokens=9, messages=[]), anthropic.APIError),
            error_of(lambda: two.chat.completions.create(model="none", messages=MESSAGES), openai.APIError),
            error_of(lambda: two.responses.create(model=GPT, input=MESSAGES, top_p=7), openai.APIError),
            error_of(lambda: one.get("/v1/nothing", cast_to=object), anthropic.APIError),
        ]


def every_error_class(url: str, simulator: Simulator) -> Any:
    seen = []
    with claude(url) as client:
        work = lambda: client.messages.create(model=CLAUDE, max_tokens=9, messages=MESSAGES)  # noqa: E731
        for status in (*(400, 401, 402, 403, 404, 409, 413, 429, 500, 503, 504, 529), "spend-limit"):
            simulator.inject(f"{status}@nth=1")
            seen.append(error_of(work, anthropic.APIError))
    assert len({error[0] for error in seen}) == len(seen)
    return seen


def retries(url: str, simulator: Simulator) -> Any:
    simulator.inject("503@times=2")
    with claude(url, max_retries=2) as client:
        answer = stable(client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES))
    return answer, len(simulator.requests)


def retries_that_run_out(url: str, simulator: Simulator) -> Any:
    simulator.inject("529")
    with claude(url, max_retries=1) as client:
        work = lambda: client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)  # noqa: E731
        return error_of(work, anthropic.APIError), len(simulator.requests)


def timeouts(url: str, simulator: Simulator) -> Any:
    simulator.inject("slow-first-byte=5")
    with gpt(url, timeout=0.2) as client:
        work = lambda: client.chat.completions.create(model=GPT, messages=MESSAGES)  # noqa: E731
        return error_of(work, openai.APITimeoutError)


def errors_inside_streams(url: str, simulator: Simulator) -> Any:
    simulator.inject("error-event=2")

    def work() -> None:
        with claude(url) as client:
            list(client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True))

    def other() -> None:
        with gpt(url) as client:
            list(client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))

    return error_of(work, anthropic.APIError), error_of(other, openai.APIError)


def cut_streams(url: str, simulator: Simulator) -> Any:
    simulator.inject("cut-stream=2")

    def work() -> None:
        with gpt(url) as client:
            list(client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))

    def other() -> None:
        with claude(url) as client:
            list(client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True))

    return error_of(work, openai.APIError), error_of(other, httpx2.TransportError)


def unknown_events(url: str, simulator: Simulator) -> Any:
    simulator.inject("unknown-event=2")
    with claude(url) as client:
        return [
            event.type for event in client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True)
        ]


def answers_without_usage(url: str, simulator: Simulator) -> Any:
    simulator.inject("no-usage")
    with gpt(url) as client:
        return stable(client.chat.completions.create(model=GPT, messages=MESSAGES))


def every_openai_error_class(url: str, simulator: Simulator) -> Any:
    seen = []
    with gpt(url) as client:
        work = lambda: client.responses.create(model=GPT, input="x")  # noqa: E731
        for status in ("400", "401", "403", "404", "409", "422", "429", "500", "503"):
            simulator.inject(f"{status}@nth=1")
            seen.append(error_of(work, openai.APIError))
    return seen


def async_clients(url: str, simulator: Simulator) -> Any:
    async def work() -> Any:
        async with (
            anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as one,
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as two,
        ):
            message = await one.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
            async with one.messages.stream(model=CLAUDE, max_tokens=40, messages=MESSAGES) as stream:
                text = "".join([piece async for piece in stream.text_stream])
            chunks = await two.chat.completions.create(model=GPT, messages=MESSAGES, stream=True)
            pieces = [chunk.choices[0].delta.content async for chunk in chunks]
            async with two.responses.stream(model=GPT, input="Say something.") as events:
                kinds = [event.type async for event in events]
            embedded = await two.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
            return stable(message), text, pieces, kinds, stable(embedded)

    return asyncio.run(work())


def async_timeouts_and_cancelled_tasks(url: str, simulator: Simulator) -> Any:
    simulator.inject("slow-first-byte=5")

    async def work() -> Any:
        seen = []
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
            try:
                await client.with_options(timeout=0.2).responses.create(model=GPT, input="x")
            except openai.APIError as error:
                seen.append(type(error).__name__)
            task = asyncio.ensure_future(client.responses.create(model=GPT, input="x"))
            await asyncio.sleep(0.1)
            task.cancel()
            (ended,) = await asyncio.gather(task, return_exceptions=True)
            seen.append(type(ended).__name__)
        return seen

    return asyncio.run(work())


def timeouts_inside_streams(url: str, simulator: Simulator) -> Any:
    simulator.inject("slow-stream=3")

    def work() -> None:
        with claude(url, timeout=0.4) as client:
            list(client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True))

    return error_of(work, anthropic.APIError, httpx2.TransportError)


def retries_and_what_they_say_of_themselves(url: str, simulator: Simulator) -> Any:
    simulator.inject("429=0@times=2")
    with claude(url, max_retries=3) as client:
        client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
    return [
        sorted((name, value) for name, value in request.headers.items() if name.startswith("x-stainless-"))
        for request in simulator.requests
    ]


def retried_streams(url: str, simulator: Simulator) -> Any:
    simulator.inject("500@nth=1")
    with gpt(url, max_retries=1) as client:
        chunks = list(client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks), len(simulator.requests)


def chat_stream_helper(url: str, simulator: Simulator) -> Any:
    with gpt(url) as client, client.chat.completions.stream(model=GPT, messages=MESSAGES) as stream:
        kinds = [event.type for event in stream if event.type != "chunk"]
        return kinds, stream.get_final_completion().choices[0].message.content


def raw_streams(url: str, simulator: Simulator) -> Any:
    with (
        claude(url) as one,
        one.messages.with_streaming_response.create(
            model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True
        ) as answer,
    ):
        lines = [line for line in answer.iter_lines() if line.startswith("event: ")]
        return answer.status_code, headers_of(answer.headers), lines


def streams_that_are_closed_early(url: str, simulator: Simulator) -> Any:
    with claude(url) as client:
        with client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True) as stream:
            first = next(iter(stream)).type
        return first, stable(client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES))


def embeddings_in_both_encodings(url: str, simulator: Simulator) -> Any:
    with gpt(url) as client:
        return [
            client.embeddings.create(model="text-embedding-3-small", input="x", encoding_format=encoding)
            .data[0]
            .embedding
            for encoding in ("float", "base64")
        ], error_of(lambda: client.embeddings.create(model="text-embedding-3-small", input=[]), openai.APIError)


def counting(url: str, simulator: Simulator) -> Any:
    with claude(url) as one, gpt(url) as two:
        raw = one.messages.with_raw_response.count_tokens(model=CLAUDE, messages=MESSAGES, tools=TOOLS)
        count = two.responses.input_tokens.count(model=GPT, input="Say something.")
        wrong = error_of(lambda: one.messages.count_tokens(model="none", messages=MESSAGES), anthropic.APIError)
        return headers_of(raw.headers), stable(raw.parse()), stable(count), wrong


def uploads_and_other_paths(url: str, simulator: Simulator) -> Any:
    with claude(url) as one, gpt(url) as two:
        return (
            stable(two.files.create(file=b"{}", purpose="batch")),
            error_of(lambda: two.files.create(file=b"{}", purpose="vision"), openai.APIError),
            error_of(lambda: two.batches.retrieve("batch_1"), openai.APIError),
            error_of(one.messages.batches.list, anthropic.APIError),
            [(request.method, request.path) for request in simulator.requests],
        )


BEHAVIOURS: list[Behaviour] = [
    every_openai_error_class,
    async_clients,
    async_timeouts_and_cancelled_tasks,
    timeouts_inside_streams,
    retries_and_what_they_say_of_themselves,
    retried_streams,
    chat_stream_helper,
    raw_streams,
    streams_that_are_closed_early,
    embeddings_in_both_encodings,
    counting,
    uploads_and_other_paths,
    plain_messages,
    plain_chat,
    plain_responses,
    streamed_messages,
    streamed_messages_helper,
    streamed_chat,
    streamed_chat_with_usage,
    streamed_responses_helper,
    raw_responses,
    other_endpoints,
    bad_requests,
    every_error_class,
    retries,
    retries_that_run_out,
    timeouts,
    errors_inside_streams,
    cut_streams,
    unknown_events,
    answers_without_usage,
]


@pytest.fixture(autouse=True)
def impatient_sdks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDKs' own backoff is a fiftieth of what it is."""
    for sdk in ("anthropic", "openai"):
        monkeypatch.setattr(f"{sdk}._base_client.INITIAL_RETRY_DELAY", 0.01)


@cache
def direct(behaviour: Behaviour) -> Any:
    """What a behaviour comes to without a gateway."""
    with simulating(clock=ManualClock()) as simulator:
        return behaviour(simulator.base_url, simulator)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
@pytest.mark.parametrize("mode", ["observe", "apply"])
def test_a_behaviour_is_the_same_through_the_gateway(behaviour: Behaviour, mode: str) -> None:
    with simulating(clock=ManualClock()) as simulator:
        policy: Policy = policy_for(simulator.base_url, mode=mode)
        with serving(policy, clock=simulator.clock.now) as gateway:
            through = behaviour(gateway.url, simulator)
    assert through == direct(behaviour)


@pytest.mark.parametrize(
    ("first", "tries", "error"),
    [
        (b"400 Bad Request\r\nx-should-retry: true", 2, None),
        (b"500 Oops\r\nx-should-retry: false", 1, "InternalServerError"),
        (b"503 Busy\r\nretry-after-ms: 10", 2, None),
        (b"409 Conflict", 2, None),
        (b"422 No", 1, "UnprocessableEntityError"),
    ],
)
@pytest.mark.parametrize("through", [False, True])
def test_the_provider_s_word_on_retries_is_heard_by_the_sdk_and_tries_do_not_multiply(
    first: bytes, tries: int, error: str | None, through: bool
) -> None:
    seen: list[bytes] = []
    good = b'{"id":"m","type":"message","role":"assistant","model":"x","content":[],"usage":{"input_tokens":1}}'

    async def handler(peer: Peer) -> None:
        while True:
            head, _ = await peer.read_request()
            seen.append(head)
            status, body = (first, b'{"type":"error","error":{}}') if len(seen) == 1 else (b"200 OK", good)
            kind = b"content-type: application/json\r\ncontent-length: %d" % len(body)
            await peer.send(b"HTTP/1.1 " + status + b"\r\n" + kind + b"\r\n\r\n" + body)

    async def ask(url: str) -> str | None:
        async with anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=1) as client:
            try:
                await client.messages.create(model=CLAUDE, max_tokens=9, messages=MESSAGES)
            except anthropic.APIError as raised:
                return type(raised).__name__
        return None

    async def work() -> str | None:
        async with raw_server(handler) as provider:
            url = f"http://127.0.0.1:{provider.port}"
            if not through:
                return await ask(url)
            with serving(policy_for(url)) as gateway:
                return await ask(gateway.url)

    assert asyncio.run(work()) == error
    assert len(seen) == tries
