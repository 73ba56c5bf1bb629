"""What the simulated provider refuses, before each provider's own error body is made of it (semantics 1.9, 2.7)."""

from __future__ import annotations

from penstock.wire.errors import error_body


class ApiError(Exception):
    """A refusal with its HTTP status.

    Attributes:
        status: the HTTP status.
        kind: the provider's error type; None for the usual one of the status, with OpenAI's usual code.
        message: the sentence for people.
        code: OpenAI's code, or Anthropic's ``details.error_code``.
        param: OpenAI's parameter name.
        headers: extra response headers.
    """

    def __init__(
        self,
        status: int,
        kind: str | None,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers


def bad_request(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """A 400 with the type that both providers use for it."""
    return ApiError(400, "invalid_request_error", message, param=param, code=code)


def error_bytes(provider: str, error: ApiError, request_id: str) -> bytes:
    """The error body of a provider as JSON."""
    return error_body(provider, error.status, error.kind, error.message, request_id, code=error.code, param=error.param)
