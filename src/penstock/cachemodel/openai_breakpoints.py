"""OpenAI's prompt cache from gpt-5.6 on (provider-semantics 2.1, 2.2).

prefix      model, tools, every prefix-changing setting (2.2 rule 7), then the messages. The settings stand before
            everything, so a change of one is a miss of all.
endings     eligible message endings are: user messages; the last tool output of a consecutive group; the last
            developer message of the initial developer group.
write       implicit mode: the latest eligible ending and the latest three explicit markers. Explicit mode: the
            latest four explicit markers; without a marker the request neither reads nor writes. A boundary of less
            than the minimum is not written.
read        longest first. Explicit mode tests the first 2 and the latest 50 explicit markers; implicit mode adds
            the implicit point, up to 20 earlier eligible endings and the end of the initial developer group.
bill        read to the boundary found; write from there to the last written boundary, the part up to the deepest
            12-hour boundary at the 12-hour rate; the rest is plain.
time        30 minutes or 12 hours from the start of the latest write or reuse; readable once the writer's response
            has begun.
api         ``prewarm`` and 12-hour entries are the Responses API's alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from penstock.cachemodel.admission import Admission, Entry, Rejected, Split
from penstock.cachemodel.overflow import machine_of
from penstock.cachemodel.prompt import Prompt
from penstock.cachemodel.steps import Part, Steps
from penstock.cachemodel.store import CacheState
from penstock.models.profile import Regime
from penstock.wire.segments import Level

_LIFETIMES = {"30m": 1800.0, "12h": 43_200.0}
_WRITES_EXPLICIT = 4
_WRITES_BESIDE_IMPLICIT = 3
_LOOKUP_FIRST = 2
_LOOKUP_LATEST = 50
_LOOKUP_ENDINGS = 20
_DEVELOPER = ("developer", "system")

Marks = dict[int, str]
"""Index of the block that a boundary ends with, and the lifetime it asks for."""


def admit(state: CacheState, prompt: Prompt, at: float) -> Admission:
    """What the cache does with a request that starts at ``at``; Rejected for the documented 400s."""
    default = prompt.automatic or "30m"
    steps = prompt.walked
    _check(prompt, steps, default)
    explicit = {index: ttl or default for index, ttl in steps.marks}
    implicit = prompt.mode == "implicit"
    developer = _initial_developer_end(steps.parts) if implicit else -1
    endings = _eligible_endings(steps.parts, developer) if implicit else []
    lookups = _lookups(explicit, endings, developer)
    if not lookups:
        return Admission(regime=Regime.OPENAI_BREAKPOINTS, at=at, split=Split(plain=steps.total))
    stream, root = _root(state, prompt, steps, at)
    writes = _writes(prompt.mode, explicit, endings, default)
    if state.decisions.implicit_developer_entry and developer >= 0:
        writes.setdefault(developer, default)
    valid = {index: ttl for index, ttl in writes.items() if steps.ends[index] >= prompt.minimum_prefix}
    hit, live = -1, []
    for index in lookups:
        live = state.readable(root, steps.prefixes[index], at)
        if live:
            hit = index
            break
    extra = state.decisions.breakpoint_extra_s
    written = [
        Entry(root, (steps.prefixes[index],), ttl, _LIFETIMES[ttl] + extra)
        for index, ttl in valid.items()
        if index > hit
    ]
    read = [Entry(root, (steps.prefixes[hit],), life.ttl, life.lifetime_s, written=False) for life in live]
    return Admission(
        regime=Regime.OPENAI_BREAKPOINTS,
        at=at,
        split=_split(steps.ends, valid, hit),
        entries=(*written, *read),
        stream=stream,
    )


def _split(ends: Sequence[int], valid: Marks, hit: int) -> Split:
    read = ends[hit] if hit >= 0 else 0
    long = max((ends[index] for index, ttl in valid.items() if ttl == "12h" and index > hit), default=read)
    last = max((ends[index] for index in valid if index > hit), default=read)
    return Split(plain=ends[-1] - last, read=read, write_12h=long - read, write_30m=last - long)


def _eligible_endings(parts: Sequence[Part], developer: int) -> list[int]:
    """The latest blocks that end an eligible message, the last one first, as many as are looked up."""
    endings: list[int] = []
    following_is_output = False
    for index in range(len(parts) - 1, -1, -1):
        part = parts[index]
        output = part.role == "tool" or part.kind == "tool_result"
        if part.ends_message and (index == developer or (not following_is_output if output else part.role == "user")):
            endings.append(index)
            if len(endings) > _LOOKUP_ENDINGS:
                break
        following_is_output = output
    return endings


def _initial_developer_end(blocks: Sequence[Part]) -> int:
    """The last block of the developer messages that open the conversation, or -1 without any."""
    end = -1
    for index, block in enumerate(blocks):
        if block.level is Level.TOOLS:
            continue
        if block.role not in _DEVELOPER:
            break
        # instructions outside any message are no message ending
        if block.message >= 0 and block.ends_message:
            end = index
    return end


def _writes(mode: str, explicit: Marks, endings: list[int], default: str) -> Marks:
    latest = sorted(explicit)
    if mode == "explicit":
        return {index: explicit[index] for index in latest[-_WRITES_EXPLICIT:]}
    writes = {index: explicit[index] for index in latest[-_WRITES_BESIDE_IMPLICIT:]}
    if endings:
        writes.setdefault(endings[0], default)
    return writes


def _lookups(explicit: Marks, endings: list[int], developer: int) -> list[int]:
    """The boundaries that are tested, longest first."""
    marks = sorted(explicit)
    tested = {*marks[:_LOOKUP_FIRST], *marks[-_LOOKUP_LATEST:], *endings}
    if developer >= 0:
        tested.add(developer)
    return sorted(tested, reverse=True)


def _root(state: CacheState, prompt: Prompt, steps: Steps, at: float) -> tuple[Hashable, Hashable]:
    """What the request counts as for overflow, and what its entries are under."""
    settings = tuple(sorted((name, repr(value)) for name, value in prompt.settings.items()))
    first = steps.parts[0].digest if steps.parts else None
    stream = (prompt.scope, prompt.model, settings, first)
    return stream, (prompt.scope, prompt.model, settings, machine_of(state, stream, at))


def _check(prompt: Prompt, steps: Steps, default: str) -> None:
    if prompt.mode not in ("implicit", "explicit"):
        raise Rejected(f"Invalid value: {prompt.mode!r}. Supported values are: 'implicit' and 'explicit'.")
    asked = {default, *(ttl for _, ttl in steps.marks if ttl)}
    for ttl in sorted(asked):
        if ttl not in _LIFETIMES:
            raise Rejected(f"Invalid value: {ttl!r}. Supported values are: '30m' and '12h'.")
    if prompt.api == "chat":
        if "12h" in asked:
            raise Rejected("Invalid value: '12h'. Supported values are: '30m'.")
        if prompt.prewarm:
            raise Rejected("Unknown parameter: 'prompt_cache_options.prewarm'.")
    for index, _ in steps.marks:
        if not steps.parts[index].markable:
            raise Rejected("Unknown parameter: 'prompt_cache_breakpoint' on this content.")
