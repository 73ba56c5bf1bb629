"""Recorded agent conversations as request bodies: the k-th request is everything before the k-th assistant message."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, NamedTuple

Message = dict[str, Any]


class Turn(NamedTuple):
    """One request of a conversation and the answer that was recorded for it, in OpenAI Chat form."""

    messages: list[Message]
    answer: Message


class Conversation(NamedTuple):
    key: str
    tools: list[dict[str, Any]]
    turns: list[Turn]


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def load(folder: Path) -> list[Conversation]:
    """Every conversation of a ``transcripts-*`` folder; ``system.jsonl.gz`` is optional."""
    system_file = folder / "system.jsonl.gz"
    systems = {row.get("ref"): row for row in _rows(system_file)} if system_file.exists() else {}
    conversations = []
    for row in _rows(folder / "conversations.jsonl.gz"):
        head = systems.get(row.get("system_ref")) or (next(iter(systems.values())) if len(systems) == 1 else {})
        before: list[Message] = [{"role": "system", "content": head["system"]}] if "system" in head else []
        turns = []
        for message in _with_call_ids(row["messages"]):
            if message["role"] == "assistant":
                turns.append(Turn(list(before), message))
            before.append(message)
        conversations.append(Conversation(str(row["id"]), head.get("tools") or [], turns))
    return conversations


def _with_call_ids(messages: list[Message]) -> list[Message]:
    """The messages in the provider's own shape: string contents, one call id for each tool result."""
    clean: list[Message] = []
    open_calls: list[str] = []
    for message in messages:
        role, content = message["role"], message.get("content")
        if role == "tool":
            ids = message.get("tool_call_ids") or [message.get("tool_call_id")]
            call = next((i for i in ids if i in open_calls), open_calls[0] if open_calls else None)
            if call is None:  # a result whose call is not in the transcript: only a user turn can carry it
                clean.append({"role": "user", "content": content or ""})
                continue
            open_calls.remove(call)
            clean.append({"role": "tool", "tool_call_id": call, "content": content or ""})
            continue
        # A call that the transcript never answered would be refused by both providers.
        clean += [{"role": "tool", "tool_call_id": call, "content": ""} for call in open_calls]
        open_calls = []
        kept: Message = {"role": role, "content": content or ""}
        calls = [call for call in message.get("tool_calls") or [] if call.get("function")]
        if role == "assistant" and calls:
            kept["tool_calls"] = [
                {"id": c.get("id") or f"call_{len(clean)}_{n}", "type": "function", "function": _function(c)}
                for n, c in enumerate(calls)
            ]
            open_calls = [c["id"] for c in kept["tool_calls"]]
        clean.append(kept)
    return clean


def _function(call: dict[str, Any]) -> dict[str, str]:
    arguments = call["function"].get("arguments") or "{}"
    return {
        "name": call["function"]["name"],
        "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments),
    }


def chat_body(model: str, conversation: Conversation, turn: Turn) -> dict[str, Any]:
    """An OpenAI Chat Completions request."""
    body: dict[str, Any] = {"model": model, "messages": turn.messages}
    return {**body, "tools": conversation.tools} if conversation.tools else body


def messages_body(model: str, conversation: Conversation, turn: Turn, max_tokens: int = 4096) -> dict[str, Any]:
    """The same request for Anthropic Messages."""
    system = "\n\n".join(m["content"] for m in turn.messages if m["role"] == "system")
    messages: list[Message] = []
    for message in turn.messages:
        if message["role"] == "system":
            continue
        role = "assistant" if message["role"] == "assistant" else "user"
        blocks = anthropic_blocks(message)
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += blocks
        elif blocks:
            messages.append({"role": role, "content": blocks})
    body: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "messages": messages}
    if system:
        body["system"] = system
    if conversation.tools:
        body["tools"] = [_anthropic_tool(tool["function"]) for tool in conversation.tools]
    return body


def _anthropic_tool(function: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": function["name"],
        "description": function.get("description", ""),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }


def anthropic_blocks(message: Message) -> list[dict[str, Any]]:
    """The content blocks of a Chat message."""
    if message["role"] == "tool":
        return [{"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": message["content"]}]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": message["content"]}] if message["content"] else []
    for call in message.get("tool_calls", []):
        try:
            arguments = json.loads(call["function"]["arguments"])
        except json.JSONDecodeError:
            arguments = {"raw": call["function"]["arguments"]}
        blocks.append({"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": arguments})
    return blocks
