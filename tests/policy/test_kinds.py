from __future__ import annotations

import pytest

from penstock.policy.kinds import preset_tokens


@pytest.mark.parametrize(
    ("kind", "tokens"),
    [
        ("boolean", 10),
        ("under 50 words", 75),
        ("Under  50 Words", 75),
        ("at most 1 word", 2),
        ("up to 3 sentences", 120),
        ("under 200 tokens", 200),
        ("label", 16),
    ],
)
def test_a_declared_kind_implies_its_cap(kind: str, tokens: int) -> None:
    assert preset_tokens(kind) == tokens


@pytest.mark.parametrize("kind", ["", "essay", "under words", "under 0 words", "under 50 wordss", "over 50 words"])
def test_an_unknown_kind_implies_no_cap(kind: str) -> None:
    assert preset_tokens(kind) is None
