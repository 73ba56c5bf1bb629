from __future__ import annotations

import msgspec

from penstock.cachemodel.admission import DEFAULTS, Decisions
from tools.reference.cache_rules import cache_rules_page


def test_each_regime_is_told_in_the_words_of_its_file() -> None:
    page = cache_rules_page()
    for heading in ("## Anthropic's prompt cache", "## OpenAI's prompt cache before gpt-5.6", "from gpt-5.6 on"):
        assert heading in page
    assert "\nread        from the last marker back, 20 positions" in page


def test_every_decision_has_its_default_and_its_meaning() -> None:
    rows = [line for line in cache_rules_page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(msgspec.structs.fields(Decisions))
    assert [row for row in rows if row.endswith("|  |")] == []
    assert any(f"| `grid_in_memory_s` | number | `{DEFAULTS.grid_in_memory_s}` |" in row for row in rows)
