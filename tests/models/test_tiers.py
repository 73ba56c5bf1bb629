from __future__ import annotations

import pytest

from penstock.engine.settle import tier_label
from penstock.models.prices import STANDARD, Tier
from penstock.models.tiers import tier_labelled, tier_of
from penstock.wire.dialect import Dialect

CLAUDE, CHAT, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_CHAT, Dialect.OPENAI_RESPONSES


@pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
def test_the_tier_in_the_response_is_the_one_that_is_billed(dialect: Dialect) -> None:
    assert tier_of(dialect, {"service_tier": "fast"}, {"service_tier": "priority"}) == Tier("fast")
    assert tier_of(dialect, {"service_tier": "priority"}, {"service_tier": "default"}) == STANDARD
    assert tier_of(dialect, {"service_tier": "flex"}, {"service_tier": "flex"}) == Tier("flex")


def test_without_a_response_the_request_decides() -> None:
    assert tier_of(CHAT, {"service_tier": "flex"}) == Tier("flex")
    assert tier_of(CHAT, {"service_tier": "auto"}) == STANDARD
    assert tier_of(CHAT, {}) == STANDARD


def test_anthropic_reports_batch_speed_and_region_in_its_usage() -> None:
    usage = {"service_tier": "batch", "inference_geo": "us", "speed": "standard"}
    assert tier_of(CLAUDE, {}, {"usage": usage}) == Tier("batch", "us")
    assert tier_of(CLAUDE, {"speed": "fast"}, {"usage": {"speed": "standard"}}) == STANDARD
    assert tier_of(CLAUDE, {"speed": "fast", "inference_geo": "us"}) == Tier("fast", "us")
    assert tier_of(CLAUDE, {"inference_geo": "global"}) == STANDARD


def test_a_batch_call_is_batch_whatever_the_bodies_say() -> None:
    assert tier_of(CLAUDE, {}, {}, batch=True) == Tier("batch")
    assert tier_of(CHAT, {"service_tier": "default"}, {"service_tier": "default"}, batch=True) == Tier("batch")


def test_values_of_the_wrong_type_are_standard() -> None:
    assert tier_of(CHAT, {"service_tier": 3}, {"usage": [1]}) == STANDARD
    assert tier_of(CLAUDE, {"speed": None, "inference_geo": 4}, {"usage": None}) == STANDARD


@pytest.mark.parametrize("tier", [STANDARD, Tier("batch"), Tier("fast", "us")])
def test_the_label_of_a_record_names_its_tier(tier: Tier) -> None:
    assert tier_labelled(tier_label(tier)) == tier
    assert tier_labelled("moon") is None
