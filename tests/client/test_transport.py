"""The official SDKs on our transports, against the simulator over loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from penstock.client import Penstock
from penstock.engine.context import EngineContext
from penstock.engine.edit import Action, Edit, Risk
from penstock.engine.facts import Facts
from penstock.engine.pipeline import Lever
from penstock.money import Picodollars
from penstock.policy.schema import Holdback, Policy
from penstock.simulator.server import Simulator, running
from penstock.wire.usage import Basis
from penstock.wire.view import View

CLAUDE = "claude-haiku-4-5"
GPT = "gpt-5-mini"
MESSAGES: Any = [{"role": "user", "content": "Say something about rivers."}]
FAST: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as running_simulator:
        yield running_simulator


@pytest.fixture
def penstock(simulator: Simulator) -> Iterator[Penstock]:
    made = Penstock(
        Policy(),
        openai_base_url=simulator.openai_base_url,
        anthropic_base_url=simulator.base_url,
        clock=simulator.clock.now,
    )
    yield made
    made.close()


def test_a_plain_call_is_recorded_and_priced_as_billed(penstock: Penstock, simulator: Simulator) -> None:
    with penstock.anthropic(**FAST) as client, penstock.task("geography"):
        message = client.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES)
    assert message.content
    (call,) = penstock.calls
    (billed,) = simulator.bill
    assert (call.task, call.model_sent, call.status, call.arm) == ("geography", CLAUDE, 200, "observe")
    assert call.cost is not None
    assert call.cost == billed.cost
    assert call.usage is not None
    assert call.usage.output == message.usage.output_tokens
    assert call.response_id == message.id


def test_chat_and_responses_are_recorded_too(penstock: Penstock) -> None:
    with penstock.openai(**FAST) as client:
        chat = client.chat.completions.create(model=GPT, messages=MESSAGES)
        response = client.responses.create(model=GPT, input="Say something about rivers.")
    assert chat.choices[0].message.content
    assert response.output_text
    assert [call.response_id for call in penstock.calls] == [chat.id, response.id]
    assert all(call.cost for call in penstock.calls)


def test_a_chat_stream_is_metered_and_its_caller_sees_no_usage_chunk(penstock: Penstock, simulator: Simulator) -> None:
    with penstock.openai(**FAST) as client:
        chunks = list(client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))
    assert all(chunk.choices for chunk in chunks)
    (call,) = penstock.calls
    assert call.stream
    assert call.error_kind is None
    assert call.usage is not None
    assert call.usage.basis is Basis.PROVIDER
    assert call.cost == simulator.bill[0].cost
    assert call.ttft_ms is not None


def test_a_caller_who_asked_for_the_usage_chunk_gets_it(penstock: Penstock) -> None:
    with penstock.openai(**FAST) as client:
        options: Any = {"include_usage": True}
        chunks = list(client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True, stream_options=options))
    assert chunks[-1].usage is not None
    assert chunks[-1].choices == []


def test_the_stream_helpers_of_both_sdks_work(penstock: Penstock) -> None:
    with (
        penstock.anthropic(**FAST) as claude,
        claude.messages.stream(model=CLAUDE, max_tokens=50, messages=MESSAGES) as stream,
    ):
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text
    assert final.stop_reason is not None
    with penstock.openai(**FAST) as gpt, gpt.responses.stream(model=GPT, input="hello") as events:
        assert events.get_final_response().output_text
    assert [call.finish for call in penstock.calls] == ["length", "stop"]


async def test_the_async_sdks_work_plain_and_streamed(penstock: Penstock) -> None:
    async with penstock.async_anthropic(**FAST) as claude:
        await claude.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES)
        async with claude.messages.stream(model=CLAUDE, max_tokens=50, messages=MESSAGES) as stream:
            assert [text async for text in stream.text_stream]
    async with penstock.async_openai(**FAST) as gpt:
        await gpt.chat.completions.create(model=GPT, messages=MESSAGES)
        chunks = [c async for c in await gpt.chat.completions.create(model=GPT, messages=MESSAGES, stream=True)]
    assert all(chunk.choices for chunk in chunks)
    assert [call.stream for call in penstock.calls] == [False, True, False, True]
    assert all(call.cost for call in penstock.calls)


def test_a_stream_that_the_caller_leaves_is_still_metered(penstock: Penstock) -> None:
    with penstock.anthropic(**FAST) as client:
        stream = client.messages.create(model=CLAUDE, max_tokens=400, messages=MESSAGES, stream=True)
        for event in stream:
            if event.type == "content_block_delta":
                break
        stream.close()
    (call,) = penstock.calls
    assert call.error_kind == "closed_by_caller"
    assert call.usage is not None
    assert call.usage.basis is Basis.ESTIMATED
    assert call.cost is not None


def test_a_stream_that_the_provider_cuts_is_metered_and_raises_as_without_us(
    penstock: Penstock, simulator: Simulator
) -> None:
    simulator.inject("cut-stream=2")
    with penstock.openai(**FAST) as client, pytest.raises(openai.APIConnectionError):
        list(client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))
    (call,) = penstock.calls
    assert call.error_kind == "cut_stream"


def test_errors_are_those_of_the_sdk_and_cost_nothing(penstock: Penstock, simulator: Simulator) -> None:
    simulator.inject("429")
    with penstock.anthropic(**FAST) as client, pytest.raises(anthropic.RateLimitError):
        client.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES)
    (call,) = penstock.calls
    assert (call.status, call.cost) == (429, 0)


def test_the_sdk_s_own_retries_are_calls_of_their_own(penstock: Penstock, simulator: Simulator) -> None:
    simulator.inject("529@nth=1")
    with penstock.anthropic(api_key="k", max_retries=1) as client:
        client.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES)
    assert [call.status for call in penstock.calls] == [529, 200]


def test_an_unreachable_provider_raises_as_without_us() -> None:
    penstock = Penstock(Policy(), openai_base_url="http://127.0.0.1:9/v1")
    with penstock.openai(**FAST) as client, pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model=GPT, messages=MESSAGES)
    (call,) = penstock.calls
    assert (call.status, call.error_kind, call.cost) == (None, "connect", 0)
    penstock.close()


def test_our_headers_label_a_call_and_never_go_upstream(penstock: Penstock, simulator: Simulator) -> None:
    with penstock.openai(**FAST) as client:
        headers = {"x-penstock-task": "inner", "x-penstock-tags": "team=a", "X-Penstock-Session": "s1"}
        with penstock.task("outer", tags={"env": "test"}), penstock.pipeline("nightly") as trace:
            raw = client.chat.completions.with_raw_response.create(model=GPT, messages=MESSAGES, extra_headers=headers)
            client.models.list(extra_headers=headers)
    (call,) = penstock.calls
    assert (call.task, call.session, call.trace) == ("inner", "s1", trace)
    assert call.tags == {"env": "test", "team": "a", "pipeline": "nightly", "simulated": "simulated"}
    assert raw.headers["x-penstock-call-id"] == call.id
    assert float(raw.headers["x-penstock-cost-usd"]) > 0
    for request in simulator.requests:
        assert not any(name.lower().startswith("x-penstock") for name in request.headers)


def test_calls_to_a_simulator_are_marked_plain_and_streamed(penstock: Penstock) -> None:
    with penstock.anthropic(**FAST) as claude:
        claude.messages.create(model=CLAUDE, max_tokens=64, messages=MESSAGES)
        with claude.messages.stream(model=CLAUDE, max_tokens=64, messages=MESSAGES) as stream:
            stream.until_done()
    assert [call.tags for call in penstock.calls] == [{"simulated": "simulated"}] * 2


def test_full_traffic_is_written_as_it_was_sent(simulator: Simulator, tmp_path: Path) -> None:
    with Penstock(
        Policy(),
        openai_base_url=simulator.openai_base_url,
        anthropic_base_url=simulator.base_url,
        record=tmp_path / "calls.jsonl",
        ledger=tmp_path / "calls.db",
        clock=simulator.clock.now,
    ) as penstock:
        with penstock.openai(**FAST) as gpt, penstock.task("t"):
            list(gpt.chat.completions.create(model=GPT, messages=MESSAGES, stream=True))
        with penstock.anthropic(**FAST) as claude:
            message = claude.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES)
    lines = [json.loads(line) for line in (tmp_path / "calls.jsonl").read_text().splitlines()]
    assert [(line["api"], line.get("stream", False)) for line in lines] == [
        ("openai.chat", True),
        ("anthropic.messages", False),
    ]
    assert "stream_options" not in lines[0]["request"]  # as the client sent it
    assert lines[0]["response"]["usage"]["completion_tokens"] > 0
    assert lines[0]["tags"]["task"] == "t"
    assert lines[1]["response"]["id"] == message.id
    assert (tmp_path / "calls.db").stat().st_size > 0


def cap(view: View, facts: Facts) -> list[Edit]:
    """A lever for tests: a lower output cap."""
    return [
        Edit(
            lever="cap",
            path=("max_tokens",),
            action=Action.SET,
            value=b"8",
            why="test",
            saving=Picodollars(1),
            risk=Risk.EXACT,
        )
    ]


def treated(simulator: Simulator, share: float) -> Penstock:
    policy = Policy(mode="apply", holdback=Holdback(share=share))
    context = EngineContext(policy, levers=[Lever("cap", cap)])
    return Penstock(policy, anthropic_base_url=simulator.base_url, context=context)


def test_under_apply_the_plan_is_what_the_provider_gets(simulator: Simulator) -> None:
    penstock = treated(simulator, 0.0)
    with penstock.anthropic(**FAST) as client:
        client.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES, stop_sequences=["é"])
        with penstock.bypass():
            client.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES)
    first, last = (json.loads(request.body) for request in (simulator.requests[0], simulator.requests[-1]))
    assert first["max_tokens"] == 8
    assert last["max_tokens"] == 50
    assert [call.arm for call in penstock.calls] == ["treated", "bypass"]
    penstock.close()


def test_the_holdback_is_sent_as_it_came(simulator: Simulator) -> None:
    penstock = treated(simulator, 1.0)
    with penstock.anthropic(**FAST) as client:
        client.messages.create(model=CLAUDE, max_tokens=50, messages=MESSAGES)
    assert json.loads(simulator.requests[0].body)["max_tokens"] == 50
    (call,) = penstock.calls
    assert call.arm == "holdback"
    assert call.edits[0].lever == "cap"
    penstock.close()


def test_other_paths_are_passed_on(penstock: Penstock) -> None:
    with penstock.openai(**FAST) as gpt, penstock.anthropic(**FAST) as claude:
        assert list(gpt.models.list())
        assert list(claude.models.list())
    assert penstock.calls == []
