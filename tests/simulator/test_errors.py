from __future__ import annotations

import msgspec

from penstock.simulator.errors import ApiError, bad_request, error_bytes


def test_each_provider_has_its_own_body() -> None:
    error = ApiError(404, None, "model: x")
    assert msgspec.json.decode(error_bytes("anthropic", error, "req_1")) == {
        "type": "error",
        "error": {"type": "not_found_error", "message": "model: x"},
        "request_id": "req_1",
    }
    assert msgspec.json.decode(error_bytes("openai", error, "req_1")) == {
        "error": {"message": "model: x", "type": "invalid_request_error", "param": None, "code": "model_not_found"}
    }


def test_a_bad_request_names_its_parameter() -> None:
    error = bad_request("no", param="messages", code="invalid_value")
    assert (error.status, error.kind, error.param, error.code) == (
        400,
        "invalid_request_error",
        "messages",
        "invalid_value",
    )
