"""Short ways to write prompts for the tests of the cache rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from penstock.cachemodel.prompt import Block, Prompt
from penstock.models.profile import Regime
from penstock.wire.segments import Level


def block(name: str, tokens: int = 100, marker: str | None = None, **more: Any) -> Block:
    return Block(id=name, tokens=tokens, marker=marker, **{"message": 0, "ends_message": True} | more)


def claude(*blocks: Block, minimum: int = 512, **more: Any) -> Prompt:
    return Prompt(model="claude-x", regime=Regime.ANTHROPIC, minimum_prefix=minimum, blocks=blocks, **more)


def grid(*blocks: Block, **more: Any) -> Prompt:
    return Prompt(model="gpt-old", regime=Regime.OPENAI_GRID, minimum_prefix=1024, blocks=blocks, **more)


def gpt(*blocks: Block, **more: Any) -> Prompt:
    return Prompt(model="gpt-new", regime=Regime.OPENAI_BREAKPOINTS, minimum_prefix=1024, blocks=blocks, **more)


def system(name: str, tokens: int = 100, marker: str | None = None) -> Block:
    return block(name, tokens, marker, level=Level.SYSTEM, role="system", message=-1)


def tool(name: str, tokens: int = 100, marker: str | None = None) -> Block:
    return block(name, tokens, marker, level=Level.TOOLS, kind="tool", role="", message=-1, ends_message=False)


def run(count: int, marked: Iterable[int], tokens: int = 100) -> tuple[Block, ...]:
    """Blocks b1..bN of one message, with 5m markers on some."""
    marks = set(marked)
    return tuple(block(f"b{index}", tokens, "5m" if index in marks else None) for index in range(1, count + 1))
