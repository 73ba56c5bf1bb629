from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock.models.embeddings import embedding_cost
from penstock.unknown import Unknown

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "picodollars"),
    [("text-embedding-3-small", 20_000), ("text-embedding-3-large", 130_000), ("text-embedding-ada-002", 100_000)],
)
def test_a_token_costs_the_list_price(model: str, picodollars: int) -> None:
    assert embedding_cost(model, 1_000, NOW) == 1_000 * picodollars


@pytest.mark.parametrize("model", ["text-embedding-9", "gpt-5-mini", ""])
def test_a_model_without_an_embedding_price_is_unknown(model: str) -> None:
    assert isinstance(embedding_cost(model, 5, NOW), Unknown)
