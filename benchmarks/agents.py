"""Made-up agent conversations of a wanted size, seeded: request bodies turn by turn, in two dialects."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from penstock.cachemodel.admission import Split
from penstock.wire.dialect import Dialect

MODELS = {Dialect.ANTHROPIC_MESSAGES: "claude-opus-5-5", Dialect.OPENAI_CHAT: "gpt-6.1-sol"}
_SAMPLE = (
    "the model cache prefix token budget request gateway stream line latency upstream tool result file def return "
    'import class value error trace café path /usr/lib/x.py 12345 0x7fff {key: [1, 2]} "quoted" section'
)
_WORDS = (*_SAMPLE.split(), "line\nheader")
_HEAD_SHARE = 0.3
"""Of a body: system prompt and tools."""
_TOOLS = 8
_FRAME = 330
"""Bytes of JSON around the texts of a turn, roughly."""


class Agent:
    """An agent that calls one tool a turn; its request of turn ``turns`` has about ``size`` bytes.

    Agents of one size and seed share their system prompt and tools; ``key`` sets their conversations apart.
    """

    def __init__(self, dialect: Dialect, *, size: int, turns: int, seed: int, key: str) -> None:
        self.dialect = dialect
        self.model = MODELS[dialect]
        head = Random(f"head/{size}/{seed}")
        share = int(size * _HEAD_SHARE / 2)
        self._system = prose(head, share)
        self._tools = [_tool(head, number, share // _TOOLS) for number in range(_TOOLS if size > 5000 else 1)]
        draw = Random(f"talk/{size}/{turns}/{seed}/{key}")
        length = max((int(size * (1 - _HEAD_SHARE)) - _FRAME * turns) // (2 * turns), 10)
        self._said = [prose(draw, length) for _ in range(turns)]
        self._found = [f"{key} {number} " + prose(draw, length) for number in range(turns)]

    def body(self, turn: int) -> bytes:
        """The request of a turn, counted from 1: everything that was said before it."""
        anthropic = self.dialect is Dialect.ANTHROPIC_MESSAGES
        messages: list[dict[str, Any]] = [{"role": "user", "content": self._found[0]}]
        for number in range(1, turn):
            messages += self._exchange(number, anthropic=anthropic)
        if anthropic:
            whole = {"model": self.model, "max_tokens": 4096, "system": self._system, "tools": self._tools}
            return json.dumps({**whole, "messages": messages}).encode()
        tools = [{"type": "function", "function": _renamed(tool)} for tool in self._tools]
        system = {"role": "system", "content": self._system}
        return json.dumps({"model": self.model, "tools": tools, "messages": [system, *messages]}).encode()

    def answer(self, split: Split) -> bytes:
        """A whole answer of the dialect that bills a prompt like that."""
        if self.dialect is Dialect.ANTHROPIC_MESSAGES:
            created = {"ephemeral_5m_input_tokens": split.write_5m, "ephemeral_1h_input_tokens": split.write_1h}
            usage = {
                "input_tokens": split.plain,
                "cache_read_input_tokens": split.read,
                "cache_creation_input_tokens": split.write_5m + split.write_1h,
                "cache_creation": created,
                "output_tokens": 60,
            }
            content = [{"type": "text", "text": "I look at it."}]
            body = {"id": "msg_1", "type": "message", "role": "assistant", "model": self.model, "content": content}
            return json.dumps({**body, "stop_reason": "end_turn", "usage": usage}).encode()
        details = {"cached_tokens": split.read, "cache_write_tokens": split.write_30m}
        counts = {"prompt_tokens": split.total, "completion_tokens": 60, "total_tokens": split.total + 60}
        choice = {"index": 0, "message": {"role": "assistant", "content": "I look at it."}, "finish_reason": "stop"}
        head = {"id": "chatcmpl-1", "object": "chat.completion", "model": self.model}
        return json.dumps({**head, "choices": [choice], "usage": {**counts, "prompt_tokens_details": details}}).encode()

    def _exchange(self, number: int, *, anthropic: bool) -> list[dict[str, Any]]:
        """The model's call of a tool, and what the tool found."""
        said, found, call = self._said[number], self._found[number], f"call_{number}"
        name, asked = f"tool_{number % len(self._tools)}", {"path": f"src/{number}.py"}
        if anthropic:
            use = {"type": "tool_use", "id": call, "name": name, "input": asked}
            result = {"type": "tool_result", "tool_use_id": call, "content": found}
            return [
                {"role": "assistant", "content": [{"type": "text", "text": said}, use]},
                {"role": "user", "content": [result]},
            ]
        asking = {"id": call, "type": "function", "function": {"name": name, "arguments": json.dumps(asked)}}
        return [
            {"role": "assistant", "content": said, "tool_calls": [asking]},
            {"role": "tool", "tool_call_id": call, "content": found},
        ]


def prose(draw: Random, length: int) -> str:
    """About so many bytes of words."""
    words: list[str] = []
    size = 0
    while size < length:
        words.append(draw.choice(_WORDS))
        size += len(words[-1]) + 1
    return " ".join(words)[:length]


def _tool(draw: Random, number: int, size: int) -> dict[str, Any]:
    asked = {"path": {"type": "string", "description": "Where to look."}}
    schema = {"type": "object", "properties": asked, "required": ["path"]}
    return {"name": f"tool_{number}", "description": prose(draw, max(size - 180, 20)), "input_schema": schema}


def _renamed(tool: dict[str, Any]) -> dict[str, Any]:
    return {"name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]}
