"""Conversations in all three dialects from one drawn script, and what a provider demands of them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from penstock.wire.dialect import Dialect

Turn = tuple[int, list[list[int]], bool]
"""Size of the user's words, for each round of tool calls the sizes of the results, and whether the model thinks."""

turns = st.lists(
    st.tuples(
        st.integers(1, 400), st.lists(st.lists(st.integers(1, 300), min_size=1, max_size=3), max_size=3), st.booleans()
    ),
    min_size=1,
    max_size=12,
)


def body_of(dialect: Dialect, script: list[Turn], *, system: int = 20, greeting: bool = False) -> dict[str, Any]:
    """A request whose newest message is the last turn's, answered as far as its tool results."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return {
            "model": "claude-haiku-4-5",
            "max_tokens": 500,
            "system": "s " * system,
            "messages": _anthropic(script),
        }
    if dialect is Dialect.OPENAI_CHAT:
        start = [{"role": "system", "content": "s " * system}]
        if greeting:
            start.append({"role": "assistant", "content": "Welcome."})
        return {"model": "gpt-4.1-mini", "messages": start + _chat(script)}
    return {"model": "gpt-4.1-mini", "instructions": "s " * system, "input": _responses(script)}


def _words(size: int, turn: int) -> str:
    return f"turn {turn}: " + "word " * size


def _anthropic(script: list[Turn]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, (size, rounds, thinks) in enumerate(script):
        found.append({"role": "user", "content": _words(size, number)})
        for step, results in enumerate(rounds):
            ids = [f"toolu_{number}_{step}_{n}" for n in range(len(results))]
            content: list[dict[str, Any]] = [{"type": "tool_use", "id": i, "name": "look", "input": {}} for i in ids]
            if thinks:
                content.insert(0, {"type": "thinking", "thinking": "hm", "signature": "sig"})
            found.append({"role": "assistant", "content": content})
            told = [
                {"type": "tool_result", "tool_use_id": i, "content": "r" * n} for i, n in zip(ids, results, strict=True)
            ]
            found.append({"role": "user", "content": told})
        if number < len(script) - 1:
            found.append({"role": "assistant", "content": f"answer {number}"})
    return found


def _chat(script: list[Turn]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, (size, rounds, _) in enumerate(script):
        found.append({"role": "user", "content": _words(size, number)})
        for step, results in enumerate(rounds):
            ids = [f"call_{number}_{step}_{n}" for n in range(len(results))]
            calls = [{"id": i, "type": "function", "function": {"name": "look", "arguments": "{}"}} for i in ids]
            found.append({"role": "assistant", "content": None, "tool_calls": calls})
            found += [
                {"role": "tool", "tool_call_id": i, "content": "r" * n} for i, n in zip(ids, results, strict=True)
            ]
        if number < len(script) - 1:
            found.append({"role": "assistant", "content": f"answer {number}"})
    return found


def _responses(script: list[Turn]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, (size, rounds, thinks) in enumerate(script):
        found.append({"role": "user", "content": [{"type": "input_text", "text": _words(size, number)}]})
        for step, results in enumerate(rounds):
            if thinks:
                found.append({"type": "reasoning", "id": f"rs_{number}_{step}", "summary": []})
            ids = [f"call_{number}_{step}_{n}" for n in range(len(results))]
            found += [{"type": "function_call", "call_id": i, "name": "look", "arguments": "{}"} for i in ids]
            found += [
                {"type": "function_call_output", "call_id": i, "output": "r" * n}
                for i, n in zip(ids, results, strict=True)
            ]
        if number < len(script) - 1:
            found.append({"role": "assistant", "content": f"answer {number}"})
    return found


def faults(dialect: Dialect, body: dict[str, Any]) -> list[str]:
    """What the provider would refuse in a conversation; empty when it is accepted."""
    messages = body["input" if dialect is Dialect.OPENAI_RESPONSES else "messages"]
    found = [] if messages else ["empty"]
    opened, closed = _ids(messages)
    if opened != closed:
        found.append(f"calls and results do not match: {sorted(opened ^ closed)}")
    spoken = [one for one in messages if one.get("role") in ("user", "assistant")]
    if dialect is Dialect.ANTHROPIC_MESSAGES and spoken[0]["role"] != "user":
        found.append("does not start with the user")
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        for before, after in pairwise(spoken):
            if before["role"] == after["role"]:
                found.append("roles do not take turns")
            if _results_of(after) and not _calls_of(before):
                found.append("results do not follow their calls")
    return found


def _ids(messages: list[dict[str, Any]]) -> tuple[set[str], set[str]]:
    opened: set[str] = set()
    closed: set[str] = set()
    for one in messages:
        opened |= set(_calls_of(one)) | {call["id"] for call in one.get("tool_calls") or ()}
        closed |= set(_results_of(one))
        if one.get("role") == "tool":
            closed.add(one["tool_call_id"])
        if one.get("type") == "function_call":
            opened.add(one["call_id"])
        if one.get("type") == "function_call_output":
            closed.add(one["call_id"])
    return opened, closed


def _blocks(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _calls_of(message: dict[str, Any]) -> list[str]:
    return [block["id"] for block in _blocks(message) if block.get("type") == "tool_use"]


def _results_of(message: dict[str, Any]) -> list[str]:
    return [block["tool_use_id"] for block in _blocks(message) if block.get("type") == "tool_result"]


def text_of(message: dict[str, Any]) -> str:
    """A message as text, for looking for what it holds."""
    return json.dumps(message)
