"""Anthropic's prompt cache (provider-semantics 1.2-1.6).

prefix      tools, system, messages; the hash is cumulative. Settings enter it at the level from which they
            invalidate (1.5): search, citations and speed before system; tool choice, parallel use, images anywhere,
            thinking and effort before messages.
markers     at most four, lifetimes non-increasing along the prefix; none on thinking blocks or empty text. The
            top-level marker stands on the last block that may carry one and takes a slot; on a block that is
            marked already it is a no-op, or an error when the lifetimes differ.
write       one entry per marker whose prefix has the model's minimum, for the prefix that ends there.
read        from the last marker back, 20 positions including the marker's own; then from the next earlier marker
            with a window of its own. The first entry found wins.
bill        A = tokens at the entry found; B = tokens at the deepest 1h marker beyond A, else A; C = tokens at the
            last marker. Read A, write B-A for an hour and C-B for five minutes; the rest is plain.
time        an entry can be read once the response that wrote it has begun; it ages from the start of the request
            that wrote or last read it.
pre-warm    ``max_tokens: 0`` reads and writes as always; with streaming, manual thinking, an output format, a
            forced tool choice or in a batch it is an error.
stripping   a model that does not keep thinking drops the blocks of earlier turns at the next plain user text, and
            the messages before it miss.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import msgspec

from penstock.cachemodel.admission import Admission, Entry, Rejected, Split
from penstock.cachemodel.prompt import Prompt
from penstock.cachemodel.steps import Steps, kept
from penstock.cachemodel.store import CacheState, Life
from penstock.models.profile import Regime
from penstock.wire.segments import Level

_LIFETIMES = {"5m": 300.0, "1h": 3600.0}
_MAX_MARKERS = 4
_RUNS = ("tool_use", "tool_result")
_SYSTEM_SETTINGS = ("web_search", "web_fetch", "citations", "speed")
_MESSAGE_SETTINGS = ("tool_choice", "disable_parallel_tool_use")
_THINKING_SETTINGS = ("thinking", "effort")
_LEVELS = (Level.TOOLS, Level.SYSTEM, Level.MESSAGES)

Marks = list[tuple[int, str]]
"""Index of a marked block and the marker's lifetime, in prompt order."""


def admit(state: CacheState, prompt: Prompt, at: float) -> Admission:
    """What the cache does with a request that starts at ``at``; Rejected for the documented 400s."""
    _check_prewarm(prompt)
    steps, stripped = _without_stripped_thinking(prompt)
    marks = _marks(prompt, steps)
    valid = [(index, ttl) for index, ttl in marks if steps.ends[index] >= prompt.minimum_prefix]
    if not valid:
        return Admission(regime=Regime.ANTHROPIC, at=at, split=Split(plain=steps.total))
    prefix = _Prefix(state, steps, _roots(state, prompt, steps, stripped), at)
    hit = _look_back(prefix, valid)
    return Admission(
        regime=Regime.ANTHROPIC, at=at, split=_split(steps.ends, valid, hit), entries=_entries(prefix, valid, hit)
    )


def _split(ends: Sequence[int], valid: Marks, hit: int) -> Split:
    read = ends[hit] if hit >= 0 else 0
    hour = max((ends[index] for index, ttl in valid if ttl == "1h" and index > hit), default=read)
    last = max(ends[valid[-1][0]], read)
    return Split(plain=ends[-1] - last, read=read, write_1h=hour - read, write_5m=last - hour)


class _Prefix(msgspec.Struct):
    """A request's prefix against what is stored: its blocks, and the root of the entries at each level."""

    state: CacheState
    steps: Steps
    roots: Mapping[Level, Hashable]
    at: float

    def readable(self, index: int) -> list[Life]:
        """The entries that end with a block and can be read."""
        return self.state.readable(self.roots[self.steps.parts[index].level], self.steps.prefixes[index], self.at)

    def entry(self, index: int, ttl: str, lifetime_s: float, *, written: bool = True) -> Entry:
        """An entry that ends with a block."""
        root = self.roots[self.steps.parts[index].level]
        return Entry(root, (self.steps.prefixes[index],), ttl, lifetime_s, written)


def _look_back(prefix: _Prefix, valid: Marks) -> int:
    """The index of the block where the entry ends that is read, or -1."""
    decisions, blocks = prefix.state.decisions, prefix.steps.parts
    for mark, _ in reversed(valid):
        index, positions = mark, 1
        while index >= 0:
            if prefix.readable(index):
                return index
            kind = blocks[index].kind
            run = decisions.tool_runs_are_one_position and kind in _RUNS and index and blocks[index - 1].kind == kind
            if not run:
                positions += 1
                if positions > decisions.lookback_positions:
                    break
            index -= 1
    return -1


def _entries(prefix: _Prefix, valid: Marks, hit: int) -> tuple[Entry, ...]:
    """What is stored when the response begins: the markers beyond the hit, and the entries that were read."""
    decisions = prefix.state.decisions
    entries = [prefix.entry(index, ttl, _LIFETIMES[ttl]) for index, ttl in valid if index > hit]
    touched = {hit} if hit >= 0 else set()
    if decisions.refresh_all_prefixes:
        touched |= {index for index, _ in valid if index < hit}
    for index in touched:
        entries += [prefix.entry(index, life.ttl, life.lifetime_s, written=False) for life in prefix.readable(index)]
    if decisions.upgrade_lifetime and (hit, "1h") in valid:
        entries.append(prefix.entry(hit, "1h", _LIFETIMES["1h"], written=False))
    return tuple(entries)


def _roots(state: CacheState, prompt: Prompt, steps: Steps, stripped: int) -> dict[Level, Hashable]:
    """What the entries of each level are under: the settings of the levels up to it."""
    salts = _salts(state, prompt, steps, stripped)
    tools = (prompt.scope, prompt.model, salts[Level.TOOLS])
    system = (tools, salts[Level.SYSTEM])
    return {Level.TOOLS: tools, Level.SYSTEM: system, Level.MESSAGES: (system, salts[Level.MESSAGES])}


def _salts(state: CacheState, prompt: Prompt, steps: Steps, stripped: int) -> dict[Level, Hashable]:
    """The settings that enter the prefix with each level; only those that are not at their default."""
    names: dict[Level, tuple[str, ...]] = {
        Level.TOOLS: (),
        Level.SYSTEM: _SYSTEM_SETTINGS,
        Level.MESSAGES: _MESSAGE_SETTINGS,
    }
    names[state.decisions.thinking_invalidates_from] += _THINKING_SETTINGS
    settings = prompt.settings
    salts: dict[Level, Hashable] = {
        level: tuple((name, settings[name]) for name in names[level] if name in settings) for level in _LEVELS
    }
    images = settings.get("images", False) or steps.has_image
    salts[Level.MESSAGES] = (salts[Level.MESSAGES], images, stripped)
    return salts


def _without_stripped_thinking(prompt: Prompt) -> tuple[Steps, int]:
    """The blocks that the model sees, and how many thinking blocks it no longer does."""
    steps = prompt.walked
    if prompt.keeps_thinking or not steps.has_thinking:
        return steps, 0
    parts = steps.parts
    last_plain = max(
        (index for index, part in enumerate(parts) if part.role == "user" and part.kind != "tool_result"), default=-1
    )
    left = [index for index, part in enumerate(parts) if index > last_plain or not part.kind.endswith("thinking")]
    return kept(steps, left), len(parts) - len(left)


def _marks(prompt: Prompt, steps: Steps) -> Marks:
    """Every marker of the request, the top-level one included; Rejected where the provider refuses them."""
    marks = [(index, ttl or "5m") for index, ttl in steps.marks]
    for index, ttl in marks:
        if not _may_carry(steps, index):
            raise Rejected(f"{_where(steps, index)}.cache_control: cache_control cannot be set for this block")
        if ttl not in _LIFETIMES:
            raise Rejected(f"{_where(steps, index)}.cache_control.ttl: Input should be '5m' or '1h'")
    if prompt.automatic is not None:
        if prompt.automatic not in _LIFETIMES:
            raise Rejected("cache_control.ttl: Input should be '5m' or '1h'")
        marks = _with_automatic(steps, marks, prompt.automatic)
    if len(marks) > _MAX_MARKERS:
        raise Rejected(f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}.")
    _check_order(steps, marks)
    return marks


def _with_automatic(steps: Steps, marks: Marks, ttl: str) -> Marks:
    target = next((index for index in reversed(range(len(steps.parts))) if _may_carry(steps, index)), None)
    if target is None:
        return marks
    there = dict(marks).get(target)
    if there is None:
        return sorted([*marks, (target, ttl)])
    if there != ttl:
        raise Rejected(
            f"Top-level cache_control has ttl='{ttl}' but the target block already has cache_control with ttl='{there}'"
        )
    return marks


def _may_carry(steps: Steps, index: int) -> bool:
    part = steps.parts[index]
    return part.markable and steps.tokens(index) > 0 and not part.kind.endswith("thinking")


def _check_order(steps: Steps, marks: Marks) -> None:
    shorter = False
    for index, ttl in marks:
        if ttl == "1h" and shorter:
            raise Rejected(
                f"{_where(steps, index)}.cache_control.ttl: a ttl='1h' cache_control block must not come after "
                "a ttl='5m' cache_control block. Note that blocks are processed in the following order: "
                "`tools`, `system`, `messages`."
            )
        shorter = shorter or ttl == "5m"


def _where(steps: Steps, index: int) -> str:
    """A block's place in the request body, in the provider's notation."""
    block = steps.parts[index]
    same = [other for other in steps.parts[:index] if other.level is block.level and other.message == block.message]
    if block.level is Level.MESSAGES:
        return f"messages.{block.message}.content.{len(same)}"
    return f"{block.level}.{len(same)}"


def _check_prewarm(prompt: Prompt) -> None:
    if prompt.max_tokens != 0:
        return
    conflicts = {
        "stream": prompt.stream,
        "thinking.type 'enabled'": _first(prompt.settings.get("thinking")) == "enabled",
        "output_config.format": prompt.structured,
        "a tool_choice that forces a tool": _first(prompt.settings.get("tool_choice")) in ("any", "tool"),
        "a batch": prompt.batch,
    }
    for what, present in conflicts.items():
        if present:
            raise Rejected(f"max_tokens: 0 cannot be combined with {what}")


def _first(value: Hashable) -> Hashable:
    return value[0] if isinstance(value, tuple) and value else value
