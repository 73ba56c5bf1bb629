"""The model data files as typed entries.

The files ship inside the package and are read once, when this module is imported, so that every look-up afterwards is a
pure function of its arguments. That is the only reading the room does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any

import msgspec


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model of a data file, traits merged. Keys left out mean: no such thing, or not known where None.

    The keys are those of ``profile.Profile``; beside them:

    Attributes:
        id: canonical id.
        aliases: other ids of the same model, in the same normal form.
        price_id: the model whose price list it shares, when that is another one.
        minimum_prefix_bedrock: Bedrock's own minimum, where it differs.
        fast_until: first day without fast mode.
    """

    id: str
    provider: str
    regime: str
    aliases: tuple[str, ...] = ()
    price_id: str | None = None
    minimum_prefix: int | None = None
    minimum_prefix_bedrock: int | None = None
    ttls: dict[str, float] = {}
    cache_interval: int = 128
    forbidden: frozenset[str] = frozenset()
    thinking: tuple[str, ...] = ()
    always_thinks: bool = False
    efforts: tuple[str, ...] = ()
    default_effort: str | None = None
    tokenizer: str
    tokenizer_factor: float = 1.0
    context_window: int | None = None
    max_output: int | None = None
    keeps_thinking: bool = False
    reasons: bool = False
    accepts_prefill: bool = False
    forced_tool_choice: bool = True
    accepts_system_messages: bool = False
    limits_count_reads: bool = False
    geo_factor: str | None = None
    released: date | None = None
    retired: date | None = None
    fast_until: date | None = None


def read_data(name: str) -> dict[str, Any]:
    """One TOML file of ``models/data`` as plain values."""
    text = files("penstock.models").joinpath("data", name).read_text(encoding="utf-8")
    return tomllib.loads(text)


def read_entries(data: Mapping[str, Any]) -> list[Entry]:
    """The models of one decoded data file; ValueError on a trait that is not defined or a key that is not known."""
    traits: Mapping[str, Mapping[str, Any]] = data.get("traits", {})
    entries = []
    for model in data["model"]:
        merged: dict[str, Any] = {}
        for trait in model.get("traits", ()):
            if trait not in traits:
                raise ValueError(f"model {model['id']} has the trait {trait!r}, which is not defined")
            merged |= traits[trait]
        merged |= {key: value for key, value in model.items() if key != "traits"}
        entries.append(msgspec.convert(merged, Entry))
    return entries


ENTRIES: Mapping[str, Entry] = {
    entry.id: entry for file in ("anthropic.toml", "openai.toml") for entry in read_entries(read_data(file))
}
"""Every model of the data files by canonical id."""
