"""Faults on demand: what can go wrong with a call, and which calls it happens to.

A fault is written ``KIND`` or ``KIND=NUMBER``:

    429 429=SECONDS 429-no-retry-after spend-limit   refusals before the model runs (``=SECONDS`` is the retry-after)
    400 401 402 403 404 408 409 413 422 500 503 504 529   any other status, in the provider's own body
    slow-first-byte=SECONDS slow-stream=SECONDS      wall seconds before the first byte, or between events
    cut-stream=N end-stream=N                        N events, then a broken connection, or a quiet clean end
    error-event=N malformed-chunk=N unknown-event=N  after N events: an error event, half a JSON object, a new event
    no-usage                                         the answer and its stream carry no usage
    close-before-response garbage                    the connection closes without a byte, or sends what is not HTTP

A rule adds conditions after ``@``: ``529@nth=2``, ``cut-stream=3@p=0.1@model=claude-opus-5``,
``500@path=/v1/messages``, ``429@times=2`` (only the first two matching calls). Several faults are separated by ``,``
or ``;``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import msgspec

from penstock.errors import UsageError

STATUS_KINDS = frozenset(
    {"400", "401", "402", "403", "404", "408", "409", "413", "422", "429", "500", "503", "504", "529"}
    | {"429-no-retry-after", "spend-limit"}
)
STREAM_KINDS = frozenset({"cut-stream", "end-stream", "error-event", "malformed-chunk", "unknown-event"})
OTHER_KINDS = frozenset({"slow-first-byte", "slow-stream", "no-usage", "close-before-response", "garbage"})
KINDS = STATUS_KINDS | STREAM_KINDS | OTHER_KINDS
_NEEDS_NUMBER = STREAM_KINDS | {"slow-first-byte", "slow-stream"}


class Fault(msgspec.Struct, frozen=True):
    """One thing that goes wrong.

    Attributes:
        kind: one of `KINDS`.
        value: seconds or a count of events, by kind; None where the kind takes none or its default.
    """

    kind: str
    value: float | None = None


class FaultRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault and the calls that it happens to; conditions that are None hold for every call.

    Attributes:
        fault: what happens.
        path: the HTTP path must end with this.
        model: the request's model must start with this.
        nth: only the nth matching call, counted from 1.
        times: only the first so many matching calls.
        probability: the share of matching calls, drawn from the simulator's seed.
    """

    fault: Fault
    path: str | None = None
    model: str | None = None
    nth: int | None = None
    times: int | None = None
    probability: float | None = None


def parse_fault(text: str) -> Fault:
    """``KIND`` or ``KIND=NUMBER`` as a fault; UsageError naming what is wrong."""
    kind, separator, number = text.strip().partition("=")
    if kind not in KINDS:
        raise UsageError(f"no fault is called {kind!r}", hint="known faults: " + ", ".join(sorted(KINDS)))
    if not separator:
        if kind in _NEEDS_NUMBER:
            raise UsageError(f"the fault {kind} needs a number, for example {kind}=2")
        return Fault(kind)
    value = _number(number, f"the fault {kind}")
    if kind in STREAM_KINDS and value != int(value):
        raise UsageError(f"the fault {kind} takes a whole number of events")
    return Fault(kind, value)


def parse_rules(spec: str) -> list[FaultRule]:
    """Every rule of a spec such as ``429@nth=2;cut-stream=3@p=0.1``; UsageError naming what is wrong."""
    return [_rule(part) for part in spec.replace(";", ",").split(",") if part.strip()]


def parse_header(value: str) -> list[Fault]:
    """The faults that one request asks for in ``x-simulator-fault``; UsageError naming what is wrong."""
    return [parse_fault(part) for part in value.split(",") if part.strip()]


class FaultBook:
    """The rules in force and how often each has matched; the order of calls and the seed decide everything."""

    def __init__(self, rules: Iterable[FaultRule] = (), *, seed: int = 0) -> None:
        self._seed = seed
        self.replace(rules)

    @property
    def rules(self) -> Sequence[FaultRule]:
        """The rules in force."""
        return tuple(self._rules)

    def replace(self, rules: Iterable[FaultRule]) -> None:
        """Put other rules in force and start counting anew."""
        self._rules = list(rules)
        self._matched = [0] * len(self._rules)
        self._random = random.Random(self._seed)

    def add(self, rule: FaultRule) -> None:
        """Put one more rule in force."""
        self._rules.append(rule)
        self._matched.append(0)

    def faults_for(self, path: str, model: str) -> list[Fault]:
        """The faults of the next call; advances the counts."""
        found: list[Fault] = []
        for index, rule in enumerate(self._rules):
            if rule.path is not None and not path.endswith(rule.path):
                continue
            if rule.model is not None and not model.startswith(rule.model):
                continue
            self._matched[index] += 1
            seen = self._matched[index]
            if rule.nth is not None and seen != rule.nth:
                continue
            if rule.times is not None and seen > rule.times:
                continue
            if rule.probability is not None and self._random.random() >= rule.probability:
                continue
            found.append(rule.fault)
        return found


def _rule(text: str) -> FaultRule:
    fault, *conditions = text.strip().split("@")
    fields: dict[str, str] = {}
    for condition in conditions:
        name, separator, value = condition.partition("=")
        if not separator or name not in ("nth", "times", "p", "model", "path"):
            raise UsageError(f"a fault has no condition {condition!r}", hint="conditions: nth, times, p, model, path")
        fields[name] = value
    return FaultRule(
        fault=parse_fault(fault),
        path=fields.get("path"),
        model=fields.get("model"),
        nth=_whole(fields, "nth"),
        times=_whole(fields, "times"),
        probability=_number(fields["p"], "the condition p") if "p" in fields else None,
    )


def _whole(fields: dict[str, str], name: str) -> int | None:
    if name not in fields:
        return None
    value = _number(fields[name], f"the condition {name}")
    if value != int(value) or value < 1:
        raise UsageError(f"the condition {name} takes a whole number from 1")
    return int(value)


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UsageError(f"{what} takes a number, not {text!r}") from None
    if not 0 <= value < float("inf"):
        raise UsageError(f"{what} takes a number from 0")
    return value
