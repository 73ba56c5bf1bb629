from __future__ import annotations

import pytest

from penstock.simulator.errors import ApiError
from penstock.simulator.incoming import (
    MAX_ANTHROPIC_BYTES,
    Incoming,
    check_door,
    key_of,
    provider_of,
    redacted,
)


def incoming(headers: dict[str, str], body: bytes = b"", provider: str = "anthropic") -> Incoming:
    return Incoming(id="req", method="POST", path="/", query="", headers=headers, body=body, at=0.0, provider=provider)


def test_a_key_is_read_from_either_header_and_never_kept() -> None:
    key = key_of({"x-api-key": "secret"})
    assert key == key_of({"authorization": "Bearer secret"}) == key_of({"authorization": "bearer secret "})
    assert key != key_of({"x-api-key": "other"})
    assert "secret" not in str(key)
    assert key_of({"authorization": "Basic c2VjcmV0"}) is None


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_without_a_key_the_door_is_shut(provider: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_door(incoming({}, provider=provider))
    assert refused.value.status == 401


def test_a_body_of_the_limit_passes_and_one_byte_more_is_a_413() -> None:
    assert check_door(incoming({"x-api-key": "k"}, bytes(MAX_ANTHROPIC_BYTES)))
    with pytest.raises(ApiError) as refused:
        check_door(incoming({"x-api-key": "k"}, bytes(MAX_ANTHROPIC_BYTES + 1)))
    assert refused.value.status == 413


def test_the_path_or_else_the_headers_tell_the_provider() -> None:
    assert provider_of("/v1/messages/count_tokens", {}) == "anthropic"
    assert provider_of("/v1/responses", {"x-api-key": "k"}) == "openai"
    assert provider_of("/v1/models", {"anthropic-version": "2026-10-21"}) == "anthropic"
    assert provider_of("/v1/models", {"authorization": "Bearer k"}) == "openai"


def test_kept_headers_hold_no_credentials() -> None:
    kept = redacted({"authorization": "Bearer secret", "x-api-key": "secret", "anthropic-beta": "a,b"})
    assert kept == {"authorization": "<redacted>", "x-api-key": "<redacted>", "anthropic-beta": "a,b"}


def test_a_task_label_is_read_from_either_header() -> None:
    assert incoming({"x-penstock-task": "a"}).task == "a"
    assert incoming({"x-penstock-task": "a", "x-simulator-task": "b"}).task == "b"
    assert incoming({}).task is None
