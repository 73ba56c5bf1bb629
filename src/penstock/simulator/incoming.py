"""One request as it reaches the simulator: who calls, which provider is meant, and whether it may pass the door."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from penstock.simulator.errors import ApiError

MAX_ANTHROPIC_BYTES = 32 * 1024 * 1024
"""The documented limit of Messages and of token counting, inclusive."""

MAX_OPENAI_BYTES = 512 * 1024 * 1024
SECRET_HEADERS = frozenset({"authorization", "x-api-key", "proxy-authorization", "cookie"})


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A request.

    Attributes:
        id: the request id that its response will carry.
        method: upper-case HTTP method.
        path: without the query.
        query: without the question mark; empty when there is none.
        headers: lower-case names.
        body: as it came.
        at: simulated time of arrival, seconds since the epoch.
        provider: ``anthropic`` or ``openai``.
    """

    id: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    provider: str

    @property
    def task(self) -> str | None:
        """The label that a test or a benchmark put on the call."""
        return self.headers.get("x-simulator-task") or self.headers.get("x-penstock-task")


def provider_of(path: str, headers: Mapping[str, str]) -> str:
    """Whose API a path belongs to; for the paths that both have, the headers decide."""
    if path.startswith("/v1/messages"):
        return "anthropic"
    if path.startswith("/v1/models") and ("anthropic-version" in headers or "x-api-key" in headers):
        return "anthropic"
    return "openai"


def key_of(headers: Mapping[str, str]) -> str | None:
    """A short digest of the API key in either header style, or None; the key itself is never kept."""
    key = headers.get("x-api-key", "")
    if not key:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else ""
    return sha256(key.encode()).hexdigest()[:16] if key else None


def check_door(incoming: Incoming) -> str:
    """The digest of the caller's key; ApiError without a key or with a body that is too large."""
    key = key_of(incoming.headers)
    if key is None:
        if incoming.provider == "anthropic":
            raise ApiError(401, None, "x-api-key header is required")
        raise ApiError(401, None, "You didn't provide an API key in the Authorization header.")
    limit = MAX_ANTHROPIC_BYTES if incoming.provider == "anthropic" else MAX_OPENAI_BYTES
    if len(incoming.body) > limit:
        raise ApiError(413, None, "Request exceeds the maximum size")
    return key


def redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers fit to keep: credentials replaced by a word."""
    return {name: "<redacted>" if name in SECRET_HEADERS else value for name, value in headers.items()}
