from __future__ import annotations

import json
from typing import Any

from penstock.audit.samples import Body
from penstock.audit.slots import TOOL_ORDER, first_difference
from penstock.wire.dialect import Dialect
from penstock.wire.segments import Level
from tests.audit.traffic import one_shot, words


def bodies(*requests: dict[str, Any]) -> list[Body]:
    return [(Dialect.ANTHROPIC_MESSAGES, json.dumps(request).encode()) for request in requests]


def test_a_clock_in_the_system_prompt_is_located_with_what_stands_behind_it() -> None:
    rules = words(300, "rule")
    slot = first_difference(bodies(*(one_shot(f"Now: 2026-10-0{k}. {rules}", f"q{k}") for k in range(1, 6))))
    assert slot is not None
    assert (slot.depth, slot.level, slot.kind, slot.bodies) == (0, Level.SYSTEM, "date", 5)
    assert slot.text[slot.spans[0].start : slot.spans[0].end].startswith("2026-10-0")
    assert slot.static_inside == len(rules) + 2
    assert slot.same_after == 0


def test_t6_the_offset_is_that_of_the_text_in_the_body() -> None:
    sample = bodies(*(one_shot(f"Now: 2026-10-0{k}. rules", "q") for k in range(1, 5)))
    slot = first_difference(sample)
    assert slot is not None
    body = sample[0][1]
    assert body[slot.offset :].lstrip(b'"').startswith(b"Now: 2026-10-0")


def test_static_segments_behind_a_varying_one_are_counted() -> None:
    def few_shot(k: int) -> dict[str, Any]:
        messages = [
            {"role": role, "content": words(40, f"ex{role[0]}{turn}")}
            for turn in range(3)
            for role in ("user", "assistant")
        ]
        return {"model": "claude-opus-5", "max_tokens": 5, "system": f"Session s-{k}81x", "messages": messages}

    slot = first_difference(bodies(*(few_shot(k) for k in range(4))))
    assert slot is not None
    assert (slot.kind, slot.same_after) == ("id", 6)


def test_t7_tools_in_changing_order_are_named() -> None:
    tools = [{"name": f"t{k}", "description": "d", "input_schema": {"type": "object"}} for k in range(4)]
    orders = [tools, tools[::-1], [tools[1], tools[0], *tools[2:]]]
    slot = first_difference(bodies(*(one_shot("s", "q", tools=order) for order in orders)))
    assert slot is not None
    assert (slot.kind, slot.spans, slot.level) == (TOOL_ORDER, (), Level.TOOLS)


def test_prompts_that_differ_only_at_their_end_have_nothing_behind() -> None:
    slot = first_difference(bodies(*(one_shot(words(100, "sys"), words(50, f"q{k}x")) for k in range(4))))
    assert slot is not None
    assert (slot.depth, slot.same_after) == (1, 0)


def test_equal_few_or_unreadable_bodies_say_nothing() -> None:
    assert first_difference(bodies(*[one_shot("s", "q")] * 5)) is None
    assert first_difference(bodies(one_shot("s", "a"), one_shot("s", "b"))) is None
    assert first_difference([(Dialect.ANTHROPIC_MESSAGES, b"nope")] * 5) is None
