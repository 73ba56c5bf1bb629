"""What a process remembers of prompts, by its size: nothing grows with their number once the tables are full."""

from __future__ import annotations

import gc
import json
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from penstock.engine.call import Incoming
from penstock.engine.context import EngineContext
from penstock.engine.flow import Flow
from penstock.engine.steps import Send, Sent
from penstock.evidence import heads, layouts, waiting
from penstock.policy.schema import Policy
from penstock.wire import outline
from penstock.wire.dialect import Dialect
from penstock.wire.memo import Memo

SCALE = 100
"""The tables of this test are so many times smaller than those of a gateway."""
TABLES_MB = 40
"""What all tables of prompts may hold in a gateway. Its process has about 45 MB without them."""


def answered(number: int, context: EngineContext, draw: random.Random) -> None:
    """A call with a text that nobody has sent before, of a kilobyte and a half."""
    text = " ".join(f"{draw.getrandbits(40):x}" for _ in range(150))
    messages = [{"role": "system", "content": "Be brief. " * 100}, {"role": "user", "content": text}]
    dialect, model = Dialect.OPENAI_CHAT, "gpt-5-mini"
    if number % 2:
        dialect, model = Dialect.ANTHROPIC_MESSAGES, "claude-haiku-4-5"
        messages[0]["role"] = "user"
    body = json.dumps({"model": model, "max_tokens": 9, "messages": messages}).encode()
    at = 1.79e9 + number / 100
    flow = Flow(
        Incoming(call_id=f"c{number:09d}", dialect=dialect, raw=body, started_at=at, task=f"task {number % 5}"),
        context,
        lambda _: None,
    )
    step = flow.advance()
    while step is not None:
        sent = Sent(status=200, body=b"{}", started_at=at, first_byte_at=at, ended_at=at)
        step = flow.advance(sent if isinstance(step, Send) else None)


@contextmanager
def small_tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(outline, "_known", Memo(outline.MOST // SCALE))
    for module, name in (
        (layouts, "_TEXTS"),
        (layouts, "_PROMPTS"),
        (heads, "_COUNTS"),
        (heads, "_PLACES"),
        (waiting, "LIMIT"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name) // SCALE)
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def test_tables_of_prompts_are_bounded_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(5)
    answered(0, EngineContext(Policy()), draw)  # what is made once
    with small_tables(monkeypatch):
        context = EngineContext(Policy())
        before = held()
        for number in range(800):
            answered(number, context, draw)
        full = held()
        for number in range(800, 1600):
            answered(number, context, draw)
        later = held()
    assert (full - before) * SCALE < TABLES_MB * 1_000_000
    assert later - full < 200 * 800  # the table of prefixes alone goes on, by 30 bytes a place, up to a million
