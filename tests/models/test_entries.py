from __future__ import annotations

import msgspec
import pytest

from penstock.models.entries import ENTRIES, read_data, read_entries

MINIMAL = {"id": "m", "provider": "p", "regime": "none", "tokenizer": "t"}


def test_traits_merge_left_to_right_and_the_model_wins() -> None:
    data = {
        "traits": {"a": {"max_output": 1, "context_window": 1}, "b": {"max_output": 2}},
        "model": [MINIMAL | {"traits": ["a", "b"], "context_window": 3}],
    }
    (entry,) = read_entries(data)
    assert (entry.max_output, entry.context_window) == (2, 3)


def test_an_undefined_trait_is_named() -> None:
    with pytest.raises(ValueError, match="'nope'"):
        read_entries({"model": [MINIMAL | {"traits": ["nope"]}]})


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="minimum"):
        read_entries({"model": [MINIMAL | {"minimum": 1}]})


def test_no_id_or_alias_is_listed_twice() -> None:
    names = [name for entry in ENTRIES.values() for name in (entry.id, *entry.aliases)]
    listed = [model["id"] for file in ("anthropic.toml", "openai.toml") for model in read_data(file)["model"]]
    assert len(names) == len(set(names))
    assert len(listed) == len(ENTRIES)


def test_a_shared_price_list_exists() -> None:
    assert all(entry.price_id in ENTRIES for entry in ENTRIES.values() if entry.price_id)
