from __future__ import annotations

from typing import Any

import pytest

from penstock.simulator.provider import Provider
from tests.simulator.asking import chat, message, read, responses, send


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("/v1/chat/completions", chat(model="gpt-5.6-luna", max_tokens=50), "max_tokens", "unsupported_parameter"),
        ("/v1/chat/completions", chat(model="gpt-5", temperature=0.2), "temperature", "unsupported_value"),
        ("/v1/responses", responses(top_p=0.5), "top_p", "unsupported_value"),
        ("/v1/chat/completions", chat(reasoning_effort="low"), "reasoning_effort", "unsupported_parameter"),
        ("/v1/responses", responses(service_tier="gold"), "service_tier", "invalid_value"),
    ],
)
def test_t28_parameters_that_a_model_does_not_take_are_named(
    provider: Provider, path: str, body: dict[str, Any], param: str, code: str
) -> None:
    response = send(provider, path, body)
    assert response.status == 400
    error = read(response)["error"]
    assert (error["param"], error["code"]) == (param, code)


def test_the_default_value_of_a_sampling_parameter_is_accepted(provider: Provider) -> None:
    assert send(provider, "/v1/responses", responses(temperature=1)).status == 200


def test_the_refused_cap_names_the_one_to_use(provider: Provider) -> None:
    response = send(provider, "/v1/chat/completions", chat(model="gpt-5", max_tokens=50))
    assert "max_completion_tokens" in message(response)


@pytest.mark.parametrize(
    ("asked", "named", "factor"),
    [
        (None, "default", 2),
        ("auto", "default", 2),
        ("flex", "flex", 1),
        ("priority", "priority", 4),
        ("fast", "priority", 4),
    ],
)
def test_the_tier_of_the_response_is_what_is_billed(
    provider: Provider, asked: str | None, named: str, factor: int
) -> None:
    body = responses(model="gpt-6.1-sol")
    send(provider, "/v1/responses", body)
    response = send(provider, "/v1/responses", {**body, "service_tier": asked})
    assert read(response)["service_tier"] == named
    standard, billed = provider.billed()
    assert isinstance(standard.cost, int)
    assert isinstance(billed.cost, int)
    assert billed.cost * 2 == standard.cost * factor
