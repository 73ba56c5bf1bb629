from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.escalations import Escalations

Seen = list[tuple[str, str | None]]
tries = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, "json", "schema"])), max_size=20)


def _counted(seen: Seen) -> Escalations:
    made = Escalations()
    for task, failure in seen:
        made.add(task, "m", failure)
    return made


def test_before_anything_was_seen_five_percent_are_expected_to_fail() -> None:
    assert Escalations().share("t", "m") == pytest.approx(0.05)


def test_the_expected_share_goes_to_what_was_seen() -> None:
    seen = _counted([("a", "json")] * 60 + [("a", None)] * 40)
    assert seen.share("a", "m") == pytest.approx(0.55, abs=0.01)
    assert seen.by_key[("a", "m")].failed == {"json": 60}


@settings(max_examples=50, deadline=None)
@given(tries, tries)
def test_merging_is_counting_everything_in_one(first: Seen, second: Seen) -> None:
    merged = _counted(first)
    merged.merge(_counted(second))
    assert merged == _counted(first + second)
    assert Escalations.from_builtins(msgspec.json.decode(msgspec.json.encode(merged.to_builtins()))) == merged
