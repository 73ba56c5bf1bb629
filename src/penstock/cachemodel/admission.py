"""What the rules take and give: decisions where the documentation is silent, the billing split, refusals."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import msgspec

from penstock.errors import CallerError
from penstock.models.profile import Regime
from penstock.wire.segments import Level
from penstock.wire.usage import Basis, Usage


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """What a model of the providers must decide where their documentation is silent (provider-semantics 6).

    Attributes:
        valid_at_boundary: an entry is still valid when its age equals its lifetime.
        refresh_all_prefixes: a hit also refreshes the live entries at shallower markers of the same request.
        upgrade_lifetime: a longer-lived marker on the very prefix that was read gives it the longer lifetime, free.
        tool_runs_are_one_position: consecutive ``tool_use`` blocks are one look-back position, and likewise
            ``tool_result`` (1.4 rule 3; the September text; False is the older and more careful reading).
        thinking_invalidates_from: the level from which a change of thinking or effort is a miss (1.5: model-specific
            above messages).
        grid_in_memory_s: idle lifetime of OpenAI's older cache in memory, seconds; between 5 and 60 minutes the
            documentation promises nothing.
        grid_24h_s: the same with extended retention; it typically lasts about 30 minutes and at most a day.
        grid_key_partitions: prompts with different cache keys land on different machines.
        openai_machines: how many machines share the overflow of one prefix and key; 1 is no overflow.
        openai_rate_per_minute: requests of one prefix and key beyond which they overflow to the next machine.
        breakpoint_extra_s: how long OpenAI 5.6+ entries outlive their guaranteed lifetime, seconds.
        implicit_developer_entry: implicit mode also saves an entry at the end of the initial developer group.
        lookback_positions: positions that one Anthropic marker looks at, itself included.
    """

    valid_at_boundary: bool = True
    refresh_all_prefixes: bool = False
    upgrade_lifetime: bool = False
    tool_runs_are_one_position: bool = True
    thinking_invalidates_from: Level = Level.MESSAGES
    grid_in_memory_s: float = 300.0
    grid_24h_s: float = 86_400.0
    grid_key_partitions: bool = True
    openai_machines: int = 1
    openai_rate_per_minute: int = 15
    breakpoint_extra_s: float = 0.0
    implicit_developer_entry: bool = False
    lookback_positions: int = 20


DEFAULTS = Decisions()


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt's tokens by how they are billed; the parts are disjoint and add up to the prompt."""

    plain: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    write_30m: int = 0
    write_12h: int = 0

    @property
    def total(self) -> int:
        """All prompt tokens."""
        return self.plain + self.read + self.write_5m + self.write_1h + self.write_30m + self.write_12h


class Entry(msgspec.Struct, frozen=True):
    """An entry that a request will leave when its response begins.

    Attributes:
        root: what its prefixes are under (`store.CacheState`).
        steps: the prefix that it ends with; on the grid every shorter one too, which can be read as well.
        ttl: name of its lifetime.
        lifetime_s: seconds that it lives after the start of its latest write or read.
        written: False for one that was read and is only refreshed.
    """

    root: Hashable
    steps: Sequence[Hashable]
    ttl: str
    lifetime_s: float
    written: bool = True


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """What the cache does with one request.

    Attributes:
        regime: whose rules decided.
        at: when the request started, seconds.
        split: the billing.
        entries: what will be stored or refreshed once the response begins.
        stream: what the request counts as for the overflow of machines, or None.
    """

    regime: Regime
    at: float
    split: Split
    entries: tuple[Entry, ...] = ()
    stream: Hashable = None

    def usage(self, output: int = 0, reasoning: int | None = None, *, basis: Basis = Basis.DERIVED) -> Usage:
        """The split as usage, with the output tokens of the answer."""
        split = self.split
        return Usage(
            input_uncached=split.plain,
            cache_read=split.read,
            cache_write_5m=split.write_5m,
            cache_write_1h=split.write_1h,
            cache_write_30m=split.write_30m,
            cache_write_12h=split.write_12h,
            output=output,
            output_reasoning=reasoning,
            cache_write_reported=self.regime is not Regime.OPENAI_GRID,
            basis=basis,
        )


class Rejected(CallerError):  # noqa: N818 - named for what the provider does with the request
    """The provider answers the request with an error and bills nothing.

    Attributes:
        status: HTTP status.
        kind: the provider's error type.
    """

    def __init__(self, message: str, *, status: int = 400, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
