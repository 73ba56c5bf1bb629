from __future__ import annotations

import pytest

from penstock.simulator.catalogue import list_models, one_model
from penstock.simulator.errors import ApiError
from tests.simulator.asking import NOW

MAY_2025 = 1_746_057_600.0


def test_each_provider_lists_its_own_models_in_its_own_shape() -> None:
    anthropic, openai = list_models("anthropic", NOW), list_models("openai", NOW)
    assert anthropic["first_id"] == anthropic["data"][0]["id"]
    assert anthropic["has_more"] is False
    assert all(each["id"].startswith("claude") for each in anthropic["data"])
    assert openai["object"] == "list"
    assert all(each["object"] == "model" for each in openai["data"])


def test_only_models_on_sale_at_the_time_are_served() -> None:
    today = {each["id"] for each in list_models("anthropic", NOW)["data"]}
    then = {each["id"] for each in list_models("anthropic", MAY_2025)["data"]}
    assert "claude-opus-5-5" in today - then
    assert "claude-3-5-haiku" in then - today


def test_a_snapshot_is_found_under_its_own_name() -> None:
    assert one_model("anthropic", "claude-opus-5-5-20260922", NOW)["id"] == "claude-opus-5-5-20260922"


@pytest.mark.parametrize("name", ["claude-none", "gpt-5", "claude-3-5-haiku"])
def test_what_a_provider_does_not_serve_is_a_404(name: str) -> None:
    with pytest.raises(ApiError) as refused:
        one_model("anthropic", name, NOW)
    assert refused.value.status == 404
