from __future__ import annotations

from typing import Any

from penstock.levers.cache.client_marks import client_marks
from penstock.levers.cache.planner import Fixed
from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from tests.levers.build import view_of

MODEL = "claude-opus-5-5"


def marks(body: dict[str, Any]) -> list[Fixed]:
    profile = profile_of(MODEL)
    assert isinstance(profile, Profile)
    return client_marks(view_of({"model": MODEL, "max_tokens": 1, **body}), profile)


def text(words: str, ttl: str | None = None) -> dict[str, Any]:
    marker = {} if ttl is None else {"cache_control": {"type": "ephemeral", "ttl": ttl}}
    return {"type": "text", "text": words, **marker}


def test_a_request_without_markers_has_none() -> None:
    assert marks({"messages": [{"role": "user", "content": "a"}]}) == []


def test_markers_come_in_prompt_order_with_their_lifetimes_in_seconds() -> None:
    found = marks(
        {
            "system": [text("a", "1h"), text("b")],
            "messages": [{"role": "user", "content": [text("c", "5m"), text("d")]}],
        }
    )
    assert found == [Fixed(0, "1h", 3600.0), Fixed(2, "5m", 300.0)]


def test_the_automatic_marker_stands_on_the_last_block() -> None:
    found = marks(
        {
            "cache_control": {"type": "ephemeral"},
            "system": [text("a")],
            "messages": [{"role": "user", "content": [text("b"), text("c")]}],
        }
    )
    assert found == [Fixed(2, "5m", 300.0)]


def test_the_automatic_marker_adds_nothing_where_the_last_block_is_marked() -> None:
    found = marks(
        {
            "cache_control": {"type": "ephemeral"},
            "messages": [{"role": "user", "content": [text("b"), text("c", "5m")]}],
        }
    )
    assert found == [Fixed(1, "5m", 300.0)]
