"""Talking to a simulated provider without sockets."""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.simulator.provider import Provider
from penstock.simulator.response import Response

NOW = 1_795_305_600.0  # 2026-11-22, UTC
ANTHROPIC = {"x-api-key": "key", "anthropic-version": "2023-06-01", "content-type": "application/json"}
OPENAI = {"authorization": "Bearer key", "content-type": "application/json"}
CLAUDE = "claude-sonnet-5-5"
GPT = "gpt-5.6-luna"
CHAT = "gpt-4o-mini"  # a model that does not reason


def send(
    provider: Provider,
    path: str,
    body: dict[str, Any] | bytes,
    *,
    at: float = NOW,
    headers: dict[str, str] | None = None,
    method: str = "POST",
) -> Response:
    """One call from the first byte to the last; the answer begins when the request does."""
    standing = ANTHROPIC if path.startswith("/v1/messages") else OPENAI
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    response = provider.handle(method, path, {**standing, **(headers or {})}, raw, at)
    provider.begin(response, at + response.first_byte_s)
    provider.finish(response, len(response.chunks))
    return response


def read(response: Response) -> Any:
    """The decoded body of a plain response."""
    return msgspec.json.decode(response.body)


def messages(text: str = "Hello", /, **fields: Any) -> dict[str, Any]:
    """A Messages request."""
    return {"model": CLAUDE, "max_tokens": 500, "messages": [{"role": "user", "content": text}], **fields}


def chat(text: str = "Hello", /, **fields: Any) -> dict[str, Any]:
    """A Chat Completions request."""
    return {"model": CHAT, "messages": [{"role": "user", "content": text}], **fields}


def responses(text: str = "Hello", /, **fields: Any) -> dict[str, Any]:
    """A Responses request."""
    return {"model": GPT, "input": text, **fields}


def kind(response: Response) -> str:
    """The error type of a refusal."""
    return str(read(response)["error"]["type"])


def message(response: Response) -> str:
    """The sentence of a refusal."""
    return str(read(response)["error"]["message"])


WEATHER_ANTHROPIC = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
WEATHER_CHAT = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
WEATHER_RESPONSES = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
