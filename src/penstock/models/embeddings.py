"""What embeddings cost: they have one price, that of their input."""

from __future__ import annotations

from datetime import UTC, datetime

from penstock.models.base import standard_prices
from penstock.money import Picodollars
from penstock.unknown import Unknown


def embedding_cost(model: str, tokens: int, at: datetime) -> Picodollars | Unknown:
    """The standard price of an OpenAI embedding; Unknown for a model that the base does not list as one.

    Args:
        model: as the answer names it.
        tokens: that were embedded.
        at: when the request started; a naive time is UTC.
    """
    day = (at.astimezone(UTC) if at.tzinfo is not None else at).date()
    bands = standard_prices("openai", model, day) if "embedding" in model else None
    rate = None if bands is None else bands.at(tokens).get("input")
    if rate is None or rate.denominator != 1:
        return Unknown(f"no price for the embedding model {model!r}")
    return Picodollars(tokens * rate.numerator)
