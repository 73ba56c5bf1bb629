"""Signed thinking: blocks that come back changed, or not at all, are refused (provider-semantics 1.9, trap T21)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from penstock.simulator.errors import bad_request

_OURS = "c2ltdWxhdGVk"  # "simulated" in base64
_THINKING = ("thinking", "redacted_thinking")


def sign(thinking: str) -> str:
    """The signature of a thinking block: it stands for the text, and says that the simulator made it."""
    digest = blake2b(thinking.encode("utf-8", "surrogatepass"), digest_size=48, person=b"thinking")
    return _OURS + b64encode(digest.digest()).decode()


def check_signed(messages: Sequence[Mapping[str, Any]], *, manual: bool) -> None:
    """Raise ApiError when the turn that is still going on has lost or changed its thinking.

    That is the last assistant message, when tool results come after it. Signatures of other makers are let through:
    recorded conversations have them.

    Args:
        messages: the request's messages, each already known to have a role and content.
        manual: thinking has the type ``enabled``, which demands that such a message starts with a thinking block.
    """
    index = len(messages) - 2
    if index < 0 or messages[index]["role"] != "assistant" or not _has(messages[-1], "tool_result"):
        return
    blocks = messages[index]["content"] if isinstance(messages[index]["content"], list) else []
    for number, block in enumerate(blocks):
        if block["type"] == "thinking" and _changed(block):
            raise bad_request(
                f"messages.{index}.content.{number}: `thinking` or `redacted_thinking` blocks in the latest assistant "
                "message cannot be modified. These blocks must remain as they were in the original response."
            )
    if manual and blocks and blocks[0]["type"] not in _THINKING:
        raise bad_request(
            f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{blocks[0]['type'][:40]}`. When `thinking` is enabled, a final `assistant` message must start with a "
            "thinking block."
        )


def _has(message: Mapping[str, Any], kind: str) -> bool:
    content = message["content"]
    return isinstance(content, list) and any(block["type"] == kind for block in content)


def _changed(block: Mapping[str, Any]) -> bool:
    signature, thinking = block.get("signature"), block.get("thinking")
    if not isinstance(signature, str) or not signature.startswith(_OURS):
        return False
    return not isinstance(thinking, str) or signature != sign(thinking)
