"""The plain ways to cache a task: which markers a team could set by hand, tried on the recorded calls.

A strategy is a rule that looks at one prompt and at how often its prefixes occur in the group, nothing else, so what it
saves is what setting those markers would have saved. The engine's own planner decides each call apart and does better.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import msgspec

from penstock.audit.whatif import Bill, Case, bill
from penstock.cachemodel.prompt import Block, Prompt
from penstock.models.profile import Regime
from penstock.unknown import Unknown

SHARED = 0.2
"""A prefix that at least this share of a group's calls begins with is static for the group."""


class Depths(msgspec.Struct, frozen=True):
    """How many of a prompt's first blocks come again.

    Attributes:
        static: in a good share of the group's calls.
        repeated: until the last place where calls part, such as the end of a document that is asked about twice. A
            conversation that only goes on does not part.
    """

    static: int
    repeated: int


Reshape = Callable[[Case, Depths], Prompt]
"""Another way to send a prompt whose first blocks come again so far."""


class Strategy(msgspec.Struct, frozen=True):
    """A way to cache a group.

    Attributes:
        name: for people (``a 5m marker at the end of the shared prefix``).
        ttl: the lifetime of the shared prefix, as a policy names it; ``auto`` where there is nothing to choose.
        reshape: how it sends a prompt.
    """

    name: str
    ttl: str
    reshape: Reshape


class Trial(msgspec.Struct, frozen=True):
    """A strategy and what it would have cost."""

    strategy: Strategy
    bill: Bill


def least_shared(calls: int) -> float:
    """How many of so many calls must begin with a prefix for it to be static; never fewer than two."""
    return max(2.0, SHARED * calls)


def static_depths(cases: Sequence[Case]) -> list[int]:
    """For each prompt, how many of its first blocks stand on prefixes that a good share of the prompts begin with."""
    return [depths.static for depths in depths_of(cases)]


def depths_of(cases: Sequence[Case]) -> list[Depths]:
    """For each prompt, how far its prefixes come again."""
    known: dict[tuple[int, Hashable], int] = {}
    visits: list[int] = []
    branches: list[int] = []
    paths: list[list[int]] = []
    for case in cases:
        node = -1
        path = []
        for block in case.prompt.blocks:
            parent, key = node, (node, block.id)
            node = known.setdefault(key, len(visits))
            if node == len(visits):
                visits.append(0)
                branches.append(0)
                if parent >= 0:
                    branches[parent] += 1
            visits[node] += 1
            path.append(node)
        paths.append(path)
    least = least_shared(len(cases))
    return [_depths(path, visits, branches, least) for path in paths]


def _depths(path: Sequence[int], visits: Sequence[int], branches: Sequence[int], least: float) -> Depths:
    static = next((depth for depth, node in enumerate(path) if visits[node] < least), len(path))
    parts = [depth for depth, node in enumerate(path, 1) if branches[node] > 1]
    return Depths(static, max([static, *parts]))


def strategies(regime: Regime) -> list[Strategy]:
    """The strategies that a cache regime offers; empty where callers have no say."""
    if regime is Regime.ANTHROPIC:
        return [
            _marked("a 5m marker at the end of the shared prefix", "5m", tail=None),
            _marked("a 1h marker at the end of the shared prefix", "1h", tail=None),
            _marked("5m markers at the end of the shared prefix and of the conversation", "5m", tail="5m"),
            _marked("a 1h marker on the shared prefix and a 5m one on the conversation", "1h", tail="5m"),
            _twice("5m markers at the end of the shared prefix and of what comes again", "5m"),
        ]
    if regime is Regime.OPENAI_BREAKPOINTS:
        return [
            Strategy("explicit mode without a breakpoint", "auto", _uncached),
            _marked("one breakpoint at the end of the shared prefix", "auto", tail=None),
            _twice("breakpoints at the end of the shared prefix and of what comes again", "auto"),
            Strategy("implicit mode, the provider's own breakpoint", "auto", _implicit),
        ]
    if regime is Regime.OPENAI_GRID:
        return [
            Strategy("the provider's automatic caching", "auto", _as_sent),
            Strategy("extended retention", "auto", _retained),
        ]
    return []


def trials(cases: Sequence[Case]) -> list[Trial]:
    """Every strategy with its bill, cheapest first; those whose bill is unknown or that would be refused are out."""
    if not cases:
        return []
    depths = depths_of(cases)
    found = []
    for strategy in strategies(cases[0].prompt.regime):
        reshaped = [Case(case.row, strategy.reshape(case, depth)) for case, depth in zip(cases, depths, strict=True)]
        result = bill(reshaped)
        if not isinstance(result, Unknown) and not result.rejected:
            found.append(Trial(strategy, result))
    return sorted(found, key=lambda trial: trial.bill.dollars)


def _as_sent(case: Case, _depths: Depths) -> Prompt:
    return case.prompt


def _uncached(case: Case, _depths: Depths) -> Prompt:
    return msgspec.structs.replace(_unmarked(case.prompt), mode="explicit")


def _implicit(case: Case, _depths: Depths) -> Prompt:
    return msgspec.structs.replace(_unmarked(case.prompt), mode="implicit")


def _retained(case: Case, _depths: Depths) -> Prompt:
    return msgspec.structs.replace(case.prompt, retention="24h")


def _marked(name: str, ttl: str, *, tail: str | None) -> Strategy:
    def reshape(case: Case, depths: Depths) -> Prompt:
        marks = [(depths.static, ttl)]
        if tail is not None:
            marks.insert(0, (len(case.prompt.blocks), tail))
        return _with_marks(case.prompt, marks)

    return Strategy(name, ttl, reshape)


def _twice(name: str, ttl: str) -> Strategy:
    def reshape(case: Case, depths: Depths) -> Prompt:
        return _with_marks(case.prompt, [(depths.repeated, ttl), (depths.static, ttl)])

    return Strategy(name, ttl, reshape)


def _with_marks(prompt: Prompt, marks: Sequence[tuple[int, str]]) -> Prompt:
    """A prompt with nothing but these markers, each on the last block before a depth that may carry one."""
    prompt = _unmarked(prompt)
    explicit = prompt.regime is Regime.OPENAI_BREAKPOINTS
    blocks = list(prompt.blocks)
    for before, ttl in marks:
        index = _last_markable(blocks, before)
        if index >= 0:
            blocks[index] = msgspec.structs.replace(blocks[index], marker="30m" if explicit else ttl)
    return msgspec.structs.replace(prompt, blocks=tuple(blocks), mode="explicit" if explicit else prompt.mode)


def _unmarked(prompt: Prompt) -> Prompt:
    """The prompt without anything that a caller sets to cache it."""
    if prompt.automatic is None and all(block.marker is None for block in prompt.blocks):
        return prompt
    blocks = tuple(
        block if block.marker is None else msgspec.structs.replace(block, marker=None) for block in prompt.blocks
    )
    return msgspec.structs.replace(prompt, blocks=blocks, automatic=None)


def _last_markable(blocks: Sequence[Block], before: int) -> int:
    return next((index for index in range(before - 1, -1, -1) if blocks[index].markable), -1)
