"""The policy's sections for the gateway: who may call, what they may spend, and what is done when a provider fails."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
Dollars = Annotated[float, msgspec.Meta(gt=0.0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class VirtualKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key that callers give to the gateway instead of a provider's.

    Attributes:
        key: ``env:NAME``, ``file:PATH``, or ``sha256:HEX`` of the whole key.
        team: whose it is.
        tasks: the tasks that it may label; empty for all.
        models: the models that it may ask for, each with its dated snapshots; empty for all.
        paths: further paths, each with those below it, that a key with ``tasks`` or ``models`` may use (``/v1/files``).
            Without it such a key reaches only what is planned or metered, and the list of models: elsewhere its limits
            cannot be kept. A key without limits may use every path.
    """

    key: str
    team: str | None = None
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A limit on spending. Without ``key``, ``team`` and ``task`` it is the total's; several of them must all match.

    Attributes:
        usd: the most to spend in a period, in US dollars.
        period: calendar day or month, UTC.
        key: only calls with this virtual key, by name.
        team: only calls of this team.
        task: only calls of this task.
        warn: the share from which calls are logged.
        action: what happens to a call that would go beyond: ``stop`` refuses it, ``throttle`` lets one run at a time,
            ``warn`` only says so.
    """

    usd: Dollars
    period: Literal["day", "month"] = "month"
    key: str | None = None
    team: str | None = None
    task: str | None = None
    warn: Share = 0.8
    action: Literal["stop", "throttle", "warn"] = "stop"


class Resilience(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done when a provider fails or is full.

    Attributes:
        retries: further tries of a request whose caller does not retry by itself (the official SDKs do).
        retry_wait_s: the longest wait before a try; a longer ``retry-after`` is left to the caller.
        breaker_failures: failures in a row after which an address is left alone.
        breaker_open_s: for how long, before one call probes it.
        pace: whether calls wait for room that the provider's rate-limit headers say is not there yet. Shadows, judges
            and warming requests stand behind every caller: they leave half of each limit to callers, or are dropped.
        queue_s: the longest that a call waits for room.
        queue: how many calls may wait for room.
        running: how many calls may run at once; more are refused with 429. Requests of our own count after callers'.
        fallbacks: model to the models that take its calls when it fails, in order, of the same API.
    """

    retries: Count = 1
    retry_wait_s: Seconds = 20.0
    breaker_failures: AtLeastOne = 5
    breaker_open_s: Seconds = 10.0
    pace: bool = True
    queue_s: Seconds = 30.0
    queue: Count = 1000
    running: AtLeastOne = 4000
    fallbacks: dict[str, tuple[str, ...]] = {}
