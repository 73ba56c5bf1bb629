"""Chat Completions: what the provider refuses, and the body of an answer (provider-semantics 2.3, 2.4, 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.models.profile import Profile
from penstock.simulator import openai_rules
from penstock.simulator.errors import bad_request
from penstock.simulator.finished import Finished
from penstock.wire.dialect import Dialect
from penstock.wire.usage_to import usage_object

_FINISH = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "window": "length",
    "tool_use": "tool_calls",
    "refusal": "stop",
}
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_MAXIMUM_CHOICES = 128


def check(body: Mapping[str, Any], profile: Profile) -> None:
    """Raise ApiError for what Chat Completions does not take."""
    openai_rules.check_shared(body, profile)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad_request("Invalid 'messages': empty array. Expected an array with minimum length 1.", param="messages")
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, Mapping) else None
        if role not in _ROLES:
            raise bad_request(
                f"Invalid value for 'messages[{index}].role'.", param=f"messages[{index}].role", code="invalid_value"
            )
    _check_tool_results(messages)
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise bad_request(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            code="invalid_parameter_combination",
        )
    for name in ("max_tokens", "max_completion_tokens"):
        openai_rules.check_cap(body, name, profile, least=1)
    if body.get("stream_options") is not None and body.get("stream") is not True:
        raise bad_request(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options"
        )
    choices = body.get("n")
    if choices is not None and not (isinstance(choices, int) and 1 <= choices <= _MAXIMUM_CHOICES):
        raise bad_request("Invalid 'n': expected a whole number from 1 to 128.", param="n", code="invalid_value")
    _check_json_word(body, messages)


def body_of(call: Finished) -> dict[str, Any]:
    """The plain response body."""
    choices = call.request.get("n")
    count = choices if isinstance(choices, int) else 1
    return {
        "id": call.id,
        "object": "chat.completion",
        "created": call.created,
        "model": call.model,
        "choices": [_choice(call, index) for index in range(count)],
        "usage": usage_object(Dialect.OPENAI_CHAT, call.usage),
        "service_tier": call.tier,
        "system_fingerprint": "fp_simulated",
    }


def _choice(call: Finished, index: int) -> dict[str, Any]:
    answered = call.answered
    refused = answered.finish == "refusal"
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if refused or (not answered.text and answered.tool_calls) else answered.text,
        "refusal": answered.text if refused else None,
        "annotations": [],
    }
    if answered.tool_calls:
        message["tool_calls"] = [
            {
                "id": call.ids.next("call_"),
                "type": "function",
                "function": {"name": each.name, "arguments": each.arguments},
            }
            for each in answered.tool_calls
        ]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _FINISH[answered.finish]}


def _check_tool_results(messages: list[Any]) -> None:
    """Each tool call is answered right after its message, and each tool message answers one (trap T21)."""
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            answers = str(message.get("tool_call_id"))
            if answers not in waiting:
                raise bad_request(
                    "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            waiting.discard(answers)
            continue
        _refuse_unanswered(waiting, index)
        calls = message.get("tool_calls")
        calls = calls if isinstance(calls, list) else []
        waiting = {str(each["id"]) for each in calls if isinstance(each, Mapping) and "id" in each}
    _refuse_unanswered(waiting, len(messages))


def _refuse_unanswered(waiting: set[str], index: int) -> None:
    if waiting:
        raise bad_request(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(sorted(waiting))}",
            param=f"messages.[{index}].role",
        )


def _check_json_word(body: Mapping[str, Any], messages: list[Any]) -> None:
    wanted = body.get("response_format")
    if isinstance(wanted, Mapping) and wanted.get("type") == "json_object" and "json" not in str(messages).lower():
        raise bad_request(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )
