from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError, error_body, kind_of_status, read_error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (409, "conflict_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (504, "timeout_error"),
        (529, "overloaded_error"),
        (418, "invalid_request_error"),
        (599, "api_error"),
    ],
)
def test_anthropic_errors_have_the_type_of_their_status(status: int, kind: str) -> None:
    body = json.loads(error_body(Dialect.ANTHROPIC_MESSAGES, status, None, "what happened", "req_1"))
    assert body == {"type": "error", "error": {"type": kind, "message": "what happened"}, "request_id": "req_1"}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (404, "invalid_request_error", "model_not_found"),
        (429, "tokens", "rate_limit_exceeded"),
        (500, "server_error", None),
        (503, "server_error", None),
        (418, "invalid_request_error", None),
        (599, "server_error", None),
    ],
)
def test_openai_errors_have_all_four_members(status: int, kind: str, code: str | None) -> None:
    for provider in ("openai", Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES):
        body = json.loads(error_body(provider, status, None, "what happened", "req_1"))
        assert body == {"error": {"message": "what happened", "type": kind, "param": None, "code": code}}
        assert kind_of_status(provider, status) == (kind, code)


def test_an_error_of_its_own_kind_does_not_get_the_usual_code() -> None:
    body = json.loads(error_body("openai", 429, "requests", "m"))
    assert body["error"]["code"] is None
    body = json.loads(error_body("openai", 429, "insufficient_quota", "m", code="insufficient_quota", param="model"))
    assert body["error"] == {
        "message": "m",
        "type": "insufficient_quota",
        "param": "model",
        "code": "insufficient_quota",
    }


def test_a_spend_limit_is_a_detail_of_anthropics_rate_limit() -> None:
    body = error_body("anthropic", 429, None, "m", code="enforced_spend_limit_reached")
    assert json.loads(body)["error"]["details"] == {"error_code": "enforced_spend_limit_reached"}
    assert read_error(body) == ProviderError(kind="rate_limit_error", message="m", code="enforced_spend_limit_reached")


@given(
    st.sampled_from(list(Dialect)),
    st.integers(400, 599),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.just("some_code"),
)
def test_what_was_written_is_read_back(dialect: Dialect, status: int, message: str, code: str | None) -> None:
    error = read_error(error_body(dialect, status, "some_type", message, "req_1", code=code))
    request_id = "req_1" if dialect is Dialect.ANTHROPIC_MESSAGES else None
    assert error == ProviderError(kind="some_type", message=message, code=code, request_id=request_id)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>bad gateway</html>", b"[]", b"{}", b'{"error":null}', b'{"error":{}}', b'{"error":false}', b"\xff"],
)
def test_a_body_without_an_error_is_none(body: bytes) -> None:
    assert read_error(body) is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "plain text"}, ProviderError(kind="", message="plain text")),
        ({"error": {"message": 5, "type": None, "code": 7}}, ProviderError(kind="", message="")),
        ({"type": "error", "code": "c", "message": "m", "param": None}, ProviderError(kind="", message="m", code="c")),
    ],
)
def test_other_shapes_of_errors_are_read_too(body: dict[str, Any], error: ProviderError) -> None:
    assert read_error(body) == read_error(json.dumps(body).encode()) == error
