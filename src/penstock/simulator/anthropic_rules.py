"""What the Messages API refuses (provider-semantics 1.1, 1.6, 1.9, 1.10); cache markers are the cache model's part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.models.profile import Profile
from penstock.simulator.errors import bad_request
from penstock.simulator.signatures import check_signed

STRICT_VERSION = "2026-10-21"
VERSIONS = frozenset({"2023-06-01", STRICT_VERSION})

_SAMPLING = ("temperature", "top_p", "top_k")
_THINKING = ("adaptive", "enabled", "disabled", "between_tools")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_LEAST_BUDGET = 1024
_MOST_MESSAGES = 100_000


def check_version(version: str | None) -> None:
    """Raise ApiError unless the ``anthropic-version`` header names a live version."""
    if version is None:
        raise bad_request("anthropic-version: header is required")
    if version not in VERSIONS:
        raise bad_request(f"anthropic-version: {version[:40]!r} is not a valid version")


def check(body: Mapping[str, Any], profile: Profile, version: str, *, counting: bool = False) -> None:
    """Raise ApiError for what Messages do not take; ``counting`` is the token counter, which needs no cap."""
    if not counting:
        _check_cap(body, profile)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise bad_request("messages: at least one message is required")
    if len(messages) > _MOST_MESSAGES:
        raise bad_request(f"messages: at most {_MOST_MESSAGES} messages are allowed")
    _check_messages(messages, profile)
    _check_tool_results(messages)
    thinking = body.get("thinking")
    check_signed(messages, manual=isinstance(thinking, Mapping) and thinking.get("type") == "enabled")
    _check_sampling(body, profile, version)
    if version == STRICT_VERSION:
        _check_strict(messages)
    _check_thinking(body, profile)
    _check_tool_choice(body, profile)
    if body.get("max_tokens") == 0:
        _check_prewarm(body)


def _check_cap(body: Mapping[str, Any], profile: Profile) -> None:
    cap = body.get("max_tokens")
    if cap is None:
        raise bad_request("max_tokens: Field required")
    if not isinstance(cap, int) or isinstance(cap, bool):
        raise bad_request("max_tokens: Input should be a valid integer")
    if cap < 0:
        raise bad_request("max_tokens: Input should be greater than or equal to 0")
    most = profile.max_output
    if isinstance(most, int) and cap > most:
        raise bad_request(
            f"max_tokens: {cap} > {most}, which is the maximum allowed number of output tokens for {profile.model}"
        )


def _check_messages(messages: Sequence[Any], profile: Profile) -> None:
    for index, message in enumerate(messages):
        role = message.get("role") if isinstance(message, Mapping) else None
        if role not in ("user", "assistant") and not (role == "system" and profile.accepts_system_messages):
            raise bad_request(f"messages.{index}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if not isinstance(content, str | list):
            raise bad_request(f"messages.{index}.content: Field required")
        last = index == len(messages) - 1
        if not content and not (last and role == "assistant"):
            raise bad_request(
                f"messages.{index}: all messages must have non-empty content except for the optional final "
                "assistant message"
            )
        for number, block in enumerate(content) if isinstance(content, list) else ():
            if not isinstance(block, Mapping) or not isinstance(block.get("type"), str):
                raise bad_request(f"messages.{index}.content.{number}.type: Field required")
            if block["type"] == "text" and not block.get("text"):
                raise bad_request("messages: text content blocks must be non-empty")
    if messages[-1]["role"] == "assistant" and not profile.accepts_prefill:
        raise bad_request(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _check_tool_results(messages: Sequence[Mapping[str, Any]]) -> None:
    """A tool use and all its results live in neighbouring messages, or the request is refused (trap T21)."""
    waiting: set[str] = set()
    for index, message in enumerate(messages):
        blocks = message["content"] if isinstance(message["content"], list) else ()
        results = {str(each.get("tool_use_id")) for each in blocks if each["type"] == "tool_result"}
        unexpected = [each for each in results if each not in waiting]
        if unexpected:
            raise bad_request(
                f"messages.{index}.content: unexpected `tool_use_id` found in `tool_result` blocks: {unexpected[0]}. "
                "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        missing = sorted(waiting - results)
        if missing:
            raise bad_request(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        uses = [str(each.get("id")) for each in blocks if each["type"] == "tool_use"]
        if len(set(uses)) < len(uses):
            raise bad_request(f"messages.{index}.content: `tool_use` ids must be unique")
        waiting = set(uses)


def _check_sampling(body: Mapping[str, Any], profile: Profile, version: str) -> None:
    for name in _SAMPLING:
        if body.get(name) is not None and version == STRICT_VERSION:
            raise bad_request(f"{name}: Extra inputs are not permitted")
    for name in sorted(profile.forbidden_params):
        if body.get(name) is not None:
            raise bad_request(f"`{name}` is not supported for this model.")


def _check_strict(messages: Sequence[Mapping[str, Any]]) -> None:
    """What the API version of 2026-10-21 no longer takes."""
    for index, message in enumerate(messages):
        for number, block in enumerate(message["content"]) if isinstance(message["content"], list) else ():
            if message["role"] == "assistant" and block["type"] == "document":
                raise bad_request(f"messages.{index}.content.{number}: document blocks are not allowed here")
            if message["role"] == "user" and block["type"] == "text" and block.get("citations") is not None:
                raise bad_request(f"messages.{index}.content.{number}.citations: Extra inputs are not permitted")


def _check_thinking(body: Mapping[str, Any], profile: Profile) -> None:
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, Mapping) else None
    if thinking is not None and kind not in _THINKING:
        raise bad_request("thinking.type: Input should be 'adaptive', 'enabled', 'disabled' or 'between_tools'")
    if kind == "disabled" and profile.always_thinks:
        raise bad_request("thinking.type: 'disabled' is not supported for this model, which always thinks.")
    if kind is not None and kind != "disabled" and kind not in profile.thinking_types:
        raise bad_request(f"thinking.type: '{kind}' is not supported for this model.")
    if isinstance(thinking, Mapping) and kind == "enabled":
        _check_budget(body, thinking)
    output = body.get("output_config")
    effort = output.get("effort") if isinstance(output, Mapping) else None
    if effort is not None and effort not in _EFFORTS:
        raise bad_request("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")


def _check_budget(body: Mapping[str, Any], thinking: Mapping[str, Any]) -> None:
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int) or budget < _LEAST_BUDGET:
        raise bad_request("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    cap = body.get("max_tokens")
    if isinstance(cap, int) and budget >= cap:
        raise bad_request("`max_tokens` must be greater than `thinking.budget_tokens`.")


def _check_tool_choice(body: Mapping[str, Any], profile: Profile) -> None:
    choice = body.get("tool_choice")
    kind = choice.get("type") if isinstance(choice, Mapping) else None
    if choice is not None and kind not in ("auto", "any", "tool", "none"):
        raise bad_request("tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'")
    if kind not in ("any", "tool"):
        return
    tools = body.get("tools")
    if not isinstance(tools, list) or not tools:
        raise bad_request("tool_choice may only be specified while providing tools.")
    if not profile.forced_tool_choice_allowed:
        raise bad_request(f"tool_choice: forced tool use ('{kind}') is not supported for this model.")
    thinking = body.get("thinking")
    if isinstance(thinking, Mapping) and thinking.get("type") == "enabled":
        raise bad_request("Thinking may not be enabled when tool_choice forces tool use.")
    name = choice.get("name") if isinstance(choice, Mapping) else None
    if kind == "tool" and name not in [each.get("name") for each in tools if isinstance(each, Mapping)]:
        raise bad_request("tool_choice.name: Tool not found in provided tools")


def _check_prewarm(body: Mapping[str, Any]) -> None:
    """``max_tokens: 0`` reads and writes caches and generates nothing (provider-semantics 1.6)."""
    thinking, output, choice = body.get("thinking"), body.get("output_config"), body.get("tool_choice")
    refused = {
        "stream": body.get("stream") is True,
        "thinking.type 'enabled'": isinstance(thinking, Mapping) and thinking.get("type") == "enabled",
        "output_config.format": isinstance(output, Mapping) and output.get("format") is not None,
        "a forced tool_choice": isinstance(choice, Mapping) and choice.get("type") in ("any", "tool"),
    }
    for what, given in refused.items():
        if given:
            raise bad_request(f"max_tokens: 0 cannot be used with {what}")
