"""A request body read for the model that it names: view, decoded body, profile, token counts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.errors import MalformedRequest
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.simulator.counting import TokenCounter
from penstock.simulator.errors import ApiError, bad_request
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request


class Named(msgspec.Struct):
    """The one member of a body that is needed before the rest is read."""

    model: str = ""


_named = msgspec.json.Decoder(Named)
_object = msgspec.json.Decoder(dict[str, Any])


def model_in(raw: bytes) -> str:
    """The model that a body names; empty when it names none or is not JSON."""
    try:
        return _named.decode(raw).model
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def limit_key(model: str) -> str:
    """The name under which a model's rate limits run: its canonical id, else the name itself."""
    profile = profile_of(model)
    return model if isinstance(profile, Unknown) else profile.model


def decoded(raw: bytes, provider: str) -> dict[str, Any]:
    """The body as an object; ApiError when it is not one."""
    try:
        return _object.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if provider == "anthropic":
            raise bad_request("The request body is not valid JSON") from None
        raise bad_request("We could not parse the JSON body of your request.") from None


def profile_for(body: dict[str, Any], provider: str, at: float) -> Profile:
    """The profile of the body's model; ApiError when it is missing, unknown, retired, or another provider's."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        if provider == "anthropic":
            raise bad_request("model: Field required")
        raise bad_request("you must provide a model parameter", param="model")
    profile = profile_of(model)
    if isinstance(profile, Unknown) or profile.provider != provider or _gone(profile, at):
        if provider == "anthropic":
            raise ApiError(404, None, f"model: {model[:100]}")
        raise ApiError(
            404,
            None,
            f"The model `{model[:100]}` does not exist or you do not have access to it.",
        )
    return profile


def view_of(dialect: Dialect, raw: bytes) -> View:
    """The wire view; ApiError when the outer shape is wrong."""
    try:
        return read_request(dialect, raw)
    except MalformedRequest:
        name = "input" if dialect is Dialect.OPENAI_RESPONSES else "messages"
        if dialect is Dialect.ANTHROPIC_MESSAGES:
            raise bad_request(f"{name}: Field required") from None
        raise bad_request(
            f"Missing or invalid required parameter: '{name}'.", param=name, code="missing_required_parameter"
        ) from None


def counts_of(counter: TokenCounter, view: View, profile: Profile) -> list[int]:
    """Tokens of each segment; ApiError for parts that cannot be read."""
    try:
        return counter.segments(view, profile)
    except (KeyError, IndexError, TypeError):
        raise bad_request("The request has a part of a shape that is not known.") from None


def check_window(tokens: int, profile: Profile) -> None:
    """ApiError when the prompt alone is longer than the context window."""
    window = profile.context_window
    if not isinstance(window, int) or tokens <= window:
        return
    if profile.provider == "anthropic":
        raise bad_request(f"prompt is too long: {tokens} tokens > {window} maximum")
    raise bad_request(
        f"This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens. "
        "Please reduce the length of the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def _gone(profile: Profile, at: float) -> bool:
    return profile.retired is not None and datetime.fromtimestamp(at, UTC).date() >= profile.retired
