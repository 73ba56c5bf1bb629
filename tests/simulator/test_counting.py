from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.simulator.counting import MESSAGE_FRAMING, PAGE_TOKENS, TokenCounter
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.simulator.asking import CHAT, CLAUDE, WEATHER_ANTHROPIC, WEATHER_CHAT, chat, messages
from tests.simulator.test_images import png


def counts(dialect: Dialect, body: dict[str, Any], counter: TokenCounter | None = None) -> list[int]:
    profile = profile_of(body["model"])
    assert isinstance(profile, Profile)
    return (counter or TokenCounter()).segments(read_request(dialect, msgspec.json.encode(body)), profile)


def anthropic(body: dict[str, Any]) -> list[int]:
    return counts(Dialect.ANTHROPIC_MESSAGES, body)


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def test_a_string_and_its_one_part_list_count_the_same() -> None:
    assert anthropic(messages("six words stand in this line")) == anthropic(
        messages(messages=user({"type": "text", "text": "six words stand in this line"}))
    )


def test_t16_newer_claude_models_count_more_for_the_same_text() -> None:
    text = "plain words " * 200
    old = sum(anthropic(messages(text, model="claude-sonnet-4-5")))
    new = sum(anthropic(messages(text, model="claude-sonnet-5-5")))
    assert new - MESSAGE_FRAMING == pytest.approx((old - MESSAGE_FRAMING) * 1.3, abs=1)


def test_markers_are_not_counted() -> None:
    part = {"type": "text", "text": "some words"}
    marked = {**part, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert anthropic(messages(messages=user(part))) == anthropic(messages(messages=user(marked)))


def test_tools_bring_a_hidden_prompt_and_a_forced_choice_a_longer_one() -> None:
    plain = sum(anthropic(messages(model="claude-sonnet-5")))
    free = anthropic(messages(model="claude-sonnet-5", tools=[WEATHER_ANTHROPIC]))
    forced = anthropic(messages(model="claude-sonnet-5", tools=[WEATHER_ANTHROPIC], tool_choice={"type": "any"}))
    assert sum(free) > plain + 354
    assert sum(forced) - sum(free) == 474 - 354
    assert forced[0] == free[0], "a tool choice leaves the tools' own cache alone"


def test_t23_images_count_by_size_whatever_the_provider_wraps_them_in() -> None:
    data = b64encode(png(280, 280) + bytes(60_000)).decode()
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    assert anthropic(messages(messages=user(block))) == [100 + MESSAGE_FRAMING]
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}", "detail": "low"}}
    assert counts(Dialect.OPENAI_CHAT, chat(messages=user(part))) == [85 + MESSAGE_FRAMING]


def test_an_image_inside_a_tool_result_counts_by_size() -> None:
    data = b64encode(png(28, 28)).decode()
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    use = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [image, {"type": "text", "text": "seen"}]}
    turns = [{"role": "user", "content": "look"}, {"role": "assistant", "content": [use]}, *user(result)]
    found = anthropic(messages(messages=turns))
    assert found[-1] == 1 + 2 + MESSAGE_FRAMING


def test_a_pdf_counts_by_pages_and_a_text_document_by_its_text() -> None:
    pdf = b64encode(b"%PDF-1.7 /Type /Page /Type /Pages /Type /Page").decode()
    source = {"type": "base64", "media_type": "application/pdf", "data": pdf}
    assert anthropic(messages(messages=user({"type": "document", "source": source}))) == [
        2 * PAGE_TOKENS + MESSAGE_FRAMING
    ]
    text = {"type": "text", "media_type": "text/plain", "data": "three short words"}
    assert anthropic(messages(messages=user({"type": "document", "source": text})))[0] < 20


def test_thinking_of_earlier_turns_counts_nothing_on_models_that_drop_it() -> None:
    body = messages(
        messages=[
            {"role": "user", "content": "a"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "long thoughts " * 50, "signature": "s"},
                    {"type": "text", "text": "b"},
                ],
            },
            {"role": "user", "content": "c"},
        ]
    )
    kept = anthropic({**body, "model": CLAUDE})
    dropped = anthropic({**body, "model": "claude-haiku-4-5"})
    assert kept[1] > 100
    assert dropped[1] == 0


def test_a_segment_is_measured_once() -> None:
    counter = TokenCounter()
    body = chat("words " * 100, tools=[WEATHER_CHAT], model=CHAT)
    assert counts(Dialect.OPENAI_CHAT, body, counter) == counts(Dialect.OPENAI_CHAT, body, counter)
    assert len(counter._known) == 2
