"""Error bodies in the providers' own shapes (provider-semantics 1.9, 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from penstock.wire.dialect import Dialect
from penstock.wire.raw import UNREADABLE

_ANTHROPIC: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OPENAI: Mapping[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("permission_error", None),
    404: ("invalid_request_error", "model_not_found"),
    409: ("conflict_error", None),
    413: ("invalid_request_error", "request_too_large"),
    422: ("invalid_request_error", None),
    429: ("tokens", "rate_limit_exceeded"),
    500: ("server_error", None),
    502: ("server_error", None),
    503: ("server_error", None),
    504: ("server_error", None),
}
_SERVER_ERROR = 500


class ProviderError(msgspec.Struct, frozen=True, kw_only=True):
    """An error as a provider reports it.

    Attributes:
        kind: ``error.type``; empty when not said.
        message: the provider's text. It can quote the request: never log it.
        code: OpenAI's ``error.code`` or Anthropic's ``error.details.error_code``.
        param: OpenAI's ``error.param``.
        request_id: Anthropic's ``request_id``.
    """

    kind: str
    message: str
    code: str | None = None
    param: str | None = None
    request_id: str | None = None


def kind_of_status(provider: Dialect | str, status: int) -> tuple[str, str | None]:
    """The usual ``error.type`` and ``error.code`` of an HTTP status; of an unlisted one by its class."""
    if _is_anthropic(provider):
        default = "api_error" if status >= _SERVER_ERROR else "invalid_request_error"
        return _ANTHROPIC.get(status, default), None
    default = "server_error" if status >= _SERVER_ERROR else "invalid_request_error"
    return _OPENAI.get(status, (default, None))


def error_body(
    provider: Dialect | str,
    status: int,
    kind: str | None,
    message: str,
    request_id: str | None = None,
    *,
    code: str | None = None,
    param: str | None = None,
) -> bytes:
    """The JSON body of an error response.

    Args:
        provider: a dialect, or ``anthropic`` or ``openai``.
        status: the HTTP status that it goes with.
        kind: ``error.type``; None for the usual one of the status (then OpenAI's usual code too).
        message: for people.
        request_id: put into Anthropic's body; OpenAI has it in a header only.
        code: OpenAI's ``code``, Anthropic's ``details.error_code``.
        param: the request member at fault, OpenAI only.
    """
    usual, usual_code = kind_of_status(provider, status)
    if _is_anthropic(provider):
        error: dict[str, Any] = {"type": kind or usual, "message": message}
        if code is not None:
            error["details"] = {"error_code": code}
        return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})
    found_code = code if code is not None or kind is not None else usual_code
    return msgspec.json.encode(
        {"error": {"message": message, "type": kind or usual, "param": param, "code": found_code}}
    )


def read_error(body: bytes | Mapping[str, Any]) -> ProviderError | None:
    """The error in a body of either provider, or in the data of a stream's error event; None when there is none."""
    parsed: Any = body
    if not isinstance(body, Mapping):
        try:
            parsed = msgspec.json.decode(body)
        except UNREADABLE:
            return None
    if not isinstance(parsed, Mapping):
        return None
    error = parsed.get("error")
    if isinstance(error, str) and error:
        return ProviderError(kind="", message=error)
    if parsed.get("type") == "error" and not isinstance(error, Mapping):
        error = {key: value for key, value in parsed.items() if key != "type"}
    if not isinstance(error, Mapping) or not error:
        return None
    details = error.get("details")
    inner = details.get("error_code") if isinstance(details, Mapping) else None
    return ProviderError(
        kind=_text(error.get("type")) or "",
        message=_text(error.get("message")) or "",
        code=_text(error.get("code")) or _text(inner),
        param=_text(error.get("param")),
        request_id=_text(parsed.get("request_id")),
    )


def _is_anthropic(provider: Dialect | str) -> bool:
    return (provider.provider if isinstance(provider, Dialect) else provider) == "anthropic"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
