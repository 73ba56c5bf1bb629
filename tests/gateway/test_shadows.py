"""Shadows behind a gateway: after the answer, in the books, and given up at the close."""

from __future__ import annotations

import asyncio
import json

import httpx2

from penstock.policy.load import load_policy
from penstock.policy.schema import Holdback, Levers
from tests.gateway.raw_server import Peer, raw_server
from tests.gateway.running import policy_for, serving

GATE = load_policy('[tasks.label.gate]\ncandidate = "gpt-5-mini"\nshadow_share = 1.0\n').tasks
CHAT = {"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}
CHANGES = {"mode": "apply", "tasks": GATE, "holdback": Holdback(share=0.0), "levers": Levers(cache=False)}


def _answer(model: str, text: str = "yo") -> bytes:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
    raw = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(raw), raw)


async def test_the_caller_has_its_answer_before_the_shadow_ends_and_the_shadow_is_booked() -> None:
    answered = asyncio.Event()
    asked: list[str] = []

    async def handler(peer: Peer) -> None:
        for _ in range(2):
            _, body = await peer.read_request()
            model = json.loads(body)["model"]
            asked.append(model)
            if model == "gpt-5-mini":
                await answered.wait()
            await peer.send(_answer(model))

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}", **CHANGES)) as gateway:
            async with httpx2.AsyncClient() as client:
                url = f"{gateway.openai_url}/chat/completions"
                answer = await client.post(url, json=CHAT, headers={"x-penstock-task": "label"})
            assert answer.json()["model"] == "gpt-5"
            assert answer.headers["x-penstock-cost-usd"]
            assert not gateway.books.recent
            answered.set()
            (call,) = await asyncio.to_thread(gateway.calls, 1)
    assert asked == ["gpt-5", "gpt-5-mini"]
    (extra,) = call.extra_sends
    assert (extra.purpose, extra.model, extra.reason) == ("shadow", "gpt-5-mini", "agreed (equal)")
    assert extra.cost


async def test_a_shadow_that_runs_at_the_close_is_given_up_and_the_call_recorded() -> None:
    async def handler(peer: Peer) -> None:
        _, body = await peer.read_request()
        await peer.send(_answer(json.loads(body)["model"]))
        await peer.read_request()
        await asyncio.Event().wait()

    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}", **CHANGES)) as gateway:
            async with httpx2.AsyncClient() as client:
                url = f"{gateway.openai_url}/chat/completions"
                await client.post(url, json=CHAT, headers={"x-penstock-task": "label"})
        (call,) = await asyncio.to_thread(gateway.calls, 1)
    assert call.extra_sends == ()


async def test_a_pair_that_differs_goes_to_the_user_s_grader_after_the_caller_has_its_answer() -> None:
    async def handler(peer: Peer) -> None:
        for _ in range(2):
            _, body = await peer.read_request()
            model = json.loads(body)["model"]
            await peer.send(_answer(model, text=f"by {model}"))

    text = '[tasks.label.gate]\ncandidate = "gpt-5-mini"\nshadow_share = 1.0\ngrader = "python:tests.grading.samples:'
    changes = {**CHANGES, "tasks": load_policy(f'{text}by_length"\n').tasks}
    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}", **changes)) as gateway:
            async with httpx2.AsyncClient() as client:
                url = f"{gateway.openai_url}/chat/completions"
                answer = await client.post(url, json=CHAT, headers={"x-penstock-task": "label"})
            (call,) = await asyncio.to_thread(gateway.calls, 1)
    assert answer.json()["choices"][0]["message"]["content"] == "by gpt-5"
    (extra,) = call.extra_sends
    assert extra.reason == "agreed (grader)"  # "by gpt-5" is 8 characters, "by gpt-5-mini" more than 10


async def test_a_trim_that_the_gate_tests_is_asked_in_the_shadow_after_the_whole_prompt_was_answered() -> None:
    asked: list[bytes] = []

    async def handler(peer: Peer) -> None:
        for _ in range(2):
            _, body = await peer.read_request()
            asked.append(body)
            await peer.send(_answer("gpt-5"))

    gate = '[tasks.label.trim]\ntop_k = 2\n[tasks.label.gate]\nedits = ["trim"]\nshadow_share = 1.0\n'
    passages = "\n".join(f"<document>{word * 60}</document>" for word in ("one ", "two ", "three "))
    chat = {"model": "gpt-5", "messages": [{"role": "user", "content": f"{passages}\nWhich?"}]}
    changes = {**CHANGES, "tasks": load_policy(gate).tasks}
    async with raw_server(handler) as provider:
        with serving(policy_for(f"http://127.0.0.1:{provider.port}", **changes)) as gateway:
            async with httpx2.AsyncClient() as client:
                answered = await client.post(
                    f"{gateway.openai_url}/chat/completions", json=chat, headers={"x-penstock-task": "label"}
                )
            (call,) = await asyncio.to_thread(gateway.calls, 1)
    assert answered.status_code == 200
    assert [b"three three" in body for body in asked] == [True, False]
    assert [extra.reason for extra in call.extra_sends] == ["agreed (equal)"]
    assert call.edits == ()
