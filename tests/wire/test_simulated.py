from __future__ import annotations

import pytest

from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.wire.simulated import HEADER, is_simulated


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses", "/v1/models", "/v1/embeddings", "/v1/nowhere"])
def test_whatever_the_simulator_answers_says_that_it_is_simulated(path: str) -> None:
    response = Provider(Config()).handle("POST", path, {"anthropic-version": "2023-06-01"}, b"{}", 0.0)
    assert is_simulated(dict(response.headers).get(HEADER))


def test_a_provider_that_does_not_say_so_is_taken_to_be_real() -> None:
    assert not is_simulated(None)
    assert not is_simulated("1")
