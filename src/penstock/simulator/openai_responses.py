"""Responses: what the provider refuses, and the body of an answer (provider-semantics 2.3, 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.models.profile import Profile
from penstock.simulator import openai_rules
from penstock.simulator.errors import bad_request
from penstock.simulator.finished import Finished
from penstock.wire.dialect import Dialect
from penstock.wire.usage_to import usage_object

LEAST_CAP = 16
"""The smallest ``max_output_tokens`` that Responses take."""

_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}


def check(body: Mapping[str, Any], profile: Profile) -> None:
    """Raise ApiError for what Responses do not take."""
    openai_rules.check_shared(body, profile)
    given = body.get("input")
    if given is None and body.get("prompt") is None:
        raise bad_request("Missing required parameter: 'input'.", param="input", code="missing_required_parameter")
    openai_rules.check_cap(body, "max_output_tokens", profile, least=LEAST_CAP)
    if isinstance(given, list):
        _check_tool_results(given)
        _check_json_word(body, given)


def body_of(call: Finished) -> dict[str, Any]:
    """The plain response body."""
    answered, request = call.answered, call.request
    cut = answered.finish in ("length", "window")
    prewarm = _options(request).get("prewarm") is True
    body: dict[str, Any] = {
        "id": call.id,
        "object": "response",
        "created_at": call.created,
        "status": "incomplete" if cut else "completed",
        "background": False,
        "completed_at": None if cut else call.created,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "max_tool_calls": request.get("max_tool_calls"),
        "model": call.model,
        "output": [] if prewarm else _output(call, "incomplete" if cut else "completed"),
        "parallel_tool_calls": request.get("parallel_tool_calls", True),
        "previous_response_id": request.get("previous_response_id"),
        "prompt_cache_key": request.get("prompt_cache_key"),
        "reasoning": {"effort": _effort(request), "summary": None},
        "safety_identifier": request.get("safety_identifier"),
        "service_tier": call.tier,
        "store": request.get("store", True),
        "temperature": request.get("temperature", 1.0),
        "text": request.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": request.get("tool_choice", "auto"),
        "tools": request.get("tools") or [],
        "top_logprobs": 0,
        "top_p": request.get("top_p", 1.0),
        "truncation": request.get("truncation", "disabled"),
        "usage": usage_object(Dialect.OPENAI_RESPONSES, call.usage),
        "user": request.get("user"),
        "metadata": request.get("metadata") or {},
    }
    if call.profile.regime == "openai_breakpoints":
        options = _options(request)
        body["prompt_cache_options"] = {
            "mode": options.get("mode", "implicit"),
            "ttl": options.get("ttl", "30m"),
            "comparison_response_id": options.get("comparison_response_id"),
        }
        body["prompt_cache_diagnostics"] = call.diagnostics
    return body


def _output(call: Finished, status: str) -> list[dict[str, Any]]:
    answered = call.answered
    items: list[dict[str, Any]] = []
    if answered.reasoning_tokens:
        items.append({"id": call.ids.hexadecimal("rs_", 48), "type": "reasoning", "summary": []})
    if answered.text and answered.finish == "refusal":
        part: dict[str, Any] = {"type": "refusal", "refusal": answered.text}
        items.append(_message(call, status, part))
    elif answered.text or (answered.visible and not answered.tool_calls):
        items.append(
            _message(call, status, {"type": "output_text", "annotations": [], "logprobs": [], "text": answered.text})
        )
    items += [
        {
            "id": call.ids.hexadecimal("fc_", 48),
            "type": "function_call",
            "status": "completed",
            "arguments": each.arguments,
            "call_id": call.ids.next("call_"),
            "name": each.name,
        }
        for each in answered.tool_calls
    ]
    return items


def _message(call: Finished, status: str, part: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": call.ids.hexadecimal("msg_", 48),
        "type": "message",
        "status": status,
        "content": [part],
        "role": "assistant",
    }


def _options(request: Mapping[str, Any]) -> Mapping[str, Any]:
    options = request.get("prompt_cache_options")
    return options if isinstance(options, Mapping) else {}


def _effort(request: Mapping[str, Any]) -> Any:
    reasoning = request.get("reasoning")
    return reasoning.get("effort") if isinstance(reasoning, Mapping) else None


def _check_tool_results(items: list[Any]) -> None:
    """Each function call has its output and each output its call (trap T21)."""
    calls: dict[str, str] = {}
    answered: set[str] = set()
    for item in items:
        kind = item.get("type") if isinstance(item, Mapping) else None
        if kind in tuple(_CALLS):
            calls[str(item.get("call_id"))] = _CALLS[kind]
        elif kind in tuple(_CALLS.values()):
            call_id = str(item.get("call_id"))
            if call_id not in calls:
                raise bad_request(f"No tool call found for function call output with call_id {call_id}.", param="input")
            answered.add(call_id)
    missing = [call_id for call_id in calls if call_id not in answered]
    if missing:
        raise bad_request(f"No tool output found for function call {missing[0]}.", param="input")


def _check_json_word(body: Mapping[str, Any], items: list[Any]) -> None:
    text = body.get("text")
    wanted = text.get("format") if isinstance(text, Mapping) else None
    said = str(items).lower() + str(body.get("instructions") or "").lower()
    if isinstance(wanted, Mapping) and wanted.get("type") == "json_object" and "json" not in said:
        raise bad_request(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            param="input",
        )
