"""A view's segments as the chain of prefixes that evidence and planner work on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from xxhash import xxh3_64_intdigest

from penstock.evidence.sightings import Shape
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown
from penstock.wire.memo import Memo
from penstock.wire.segments import Level, Segment
from penstock.wire.tally import Tally
from penstock.wire.view import View

_ANTHROPIC_MESSAGES = ("tool_choice", "thinking")
_OPENAI = (
    "prompt_cache_key",
    "service_tier",
    "reasoning_effort",
    "verbosity",
    "parallel_tool_calls",
    "context_management",
)


class SegmentChain:
    """Segments with cumulative tokens. Keys differ between models, scopes, and settings that break the prefix.

    Attributes:
        segments: of the view, in render order.
        ends: cumulative tokens, inclusive.
    """

    __slots__ = ("_landmarks", "_salts", "_shape", "ends", "segments")

    def __init__(self, segments: Sequence[Segment], ends: Sequence[int], salts: tuple[int, int]) -> None:
        """``salts`` set the keys apart: of tools and system, and of messages."""
        self.segments = segments
        self.ends = ends
        self._salts = salts
        self._landmarks: tuple[int, ...] | None = None
        self._shape: Shape | None = None

    def __len__(self) -> int:
        return len(self.segments)

    @property
    def landmarks(self) -> tuple[int, ...]:
        """Positions of the last tool definition and the last system block."""
        if self._landmarks is None:
            self._landmarks = _landmarks(self.segments)
        return self._landmarks

    def key(self, position: int) -> int:
        """The prefix digest's first 64 bits, salted."""
        segment = self.segments[position]
        salt = self._salts[segment.level is Level.MESSAGES]
        return int.from_bytes(segment.prefix[:8], "big") ^ salt or 1

    @property
    def shape(self) -> Shape:
        """Whether the model has spoken before, has tools, and is given a tool's result; the cost is that of a turn."""
        if self._shape is None:
            self._shape = _shape(self.segments)
        return self._shape

    def upto(self, position: int) -> int:
        """Tokens of the prefix that ends at a position, inclusive; 0 for -1."""
        return self.ends[position] if position >= 0 else 0

    def markable(self, position: int) -> bool:
        """Whether the provider allows a marker there."""
        return self.segments[position].markable


def _shape(segments: Sequence[Segment]) -> Shape:
    if not segments:
        return Shape.UNKNOWN
    last = segments[-1]
    if last.kind == "tool_result" or last.role == "tool":
        return Shape.TOOL_RESULT
    tools = segments[0].level is Level.TOOLS
    for segment in reversed(segments):
        if segment.role == "assistant":
            return Shape.DIALOGUE_WITH_TOOLS if tools else Shape.DIALOGUE
        if segment.level is not Level.MESSAGES:
            break
    return Shape.FIRST_WITH_TOOLS if tools else Shape.FIRST


def chain_of(
    view: View,
    tokens: Sequence[int],
    profile: Profile | Unknown,
    scope: str,
    *,
    ends: Sequence[int] | None = None,
) -> SegmentChain:
    """The chain of a request.

    Args:
        view: the request.
        tokens: per segment of the view.
        profile: of its model; an unknown model has prefixes of its own too.
        scope: whose cache it is.
        ends: tokens up to the end of each segment, where they are known.
    """
    model = view.model if isinstance(profile, Unknown) else profile.model
    base = _salt(model, scope)
    upto = ends if ends is not None else list(accumulate(tokens))
    return SegmentChain(view.segments, upto, _salts(view, profile, base))


def _salts(view: View, profile: Profile | Unknown, base: int) -> tuple[int, int]:
    if isinstance(profile, Unknown):
        return base, base
    seen = view.outline.tally
    if seen.images or seen.stripped:
        return _worked_out(view, profile, base, seen)
    key = (view.model, view.params_digest, base)
    known = _known.get(key)
    if known is None or known[0] is not profile:
        known = (profile, _worked_out(view, profile, base, seen))
        _known.put(key, known)
    return known[1]


_known: Memo[tuple[str, bytes, int], tuple[Profile, tuple[int, int]]] = Memo(2048)


def _worked_out(view: View, profile: Profile, base: int, seen: Tally) -> tuple[int, int]:
    if profile.regime is Regime.ANTHROPIC:
        if (speed := view.get("speed")) not in (None, "standard"):
            # it breaks system and messages; tools are taken along, which promises less
            base ^= _digest([("speed", speed)])
        return base, base ^ _digest(_anthropic_settings(view, profile, seen))
    whole = base ^ _digest(_openai_settings(view, profile))
    return whole, whole


def _anthropic_settings(view: View, profile: Profile, seen: Tally) -> list[tuple[str, Any]]:
    """What makes messages miss when it changes (provider-semantics 1.5), defaults left out."""
    found = [(name, value) for name in _ANTHROPIC_MESSAGES if (value := view.get(name)) is not None]
    if ("tool_choice", {"type": "auto"}) in found:
        found.remove(("tool_choice", {"type": "auto"}))
    if ("thinking", {"type": profile.default_thinking}) in found:
        found.remove(("thinking", {"type": profile.default_thinking}))
    effort = view.get("output_config", "effort")
    if effort not in (None, profile.default_effort):
        found.append(("effort", effort))
    if seen.images:
        found.append(("images", True))
    if not profile.keeps_thinking and seen.stripped:
        found.append(("stripped", seen.stripped))
    return found


def _openai_settings(view: View, profile: Profile) -> list[tuple[str, Any]]:
    """What makes the whole prompt miss when it changes (provider-semantics 2.2, rule 7), defaults left out."""
    found = [(name, value) for name in _OPENAI if (value := view.get(name)) is not None]
    plain = (("service_tier", "auto"), ("service_tier", "default"), ("verbosity", "medium"))
    found = [pair for pair in found if pair not in plain and pair != ("parallel_tool_calls", True)]
    effort = view.get("reasoning", "effort")
    if effort is not None:
        found.append(("reasoning_effort", effort))
    found += _answer_shape(view)
    return [pair for pair in found if pair != ("reasoning_effort", profile.default_effort)]


def _answer_shape(view: View) -> list[tuple[str, Any]]:
    """Output format and verbosity where the dialects keep them; free text of medium length is the default."""
    found = []
    shape = view.get("response_format") or view.get("text", "format")
    if isinstance(shape, dict) and shape.get("type") != "text":
        found.append(("format", shape))
    verbosity = view.get("text", "verbosity")
    if verbosity not in (None, "medium"):
        found.append(("verbosity", verbosity))
    return found


def _digest(settings: list[tuple[str, Any]]) -> int:
    return xxh3_64_intdigest(repr(settings).encode("utf-8", "surrogatepass")) if settings else 0


@lru_cache(maxsize=4096)
def _salt(model: str, scope: str) -> int:
    return xxh3_64_intdigest(f"{model}\n{scope}".encode("utf-8", "surrogatepass"))


def _landmarks(segments: Sequence[Segment]) -> tuple[int, ...]:
    """The last tool and the last system block: found from the front, where they stand."""
    tools = system = -1
    for position, segment in enumerate(segments):
        if segment.level is Level.MESSAGES:
            break
        if segment.level is Level.TOOLS:
            tools = position
        else:
            system = position
    return tuple(position for position in (tools, system) if position >= 0)
