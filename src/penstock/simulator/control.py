"""The simulator's own paths, for tests in other processes: clock, faults, statistics, bill, reset.

    GET  /__simulator/clock                      {"now": seconds}
    POST /__simulator/clock   {"advance": S} or {"set": T}
    GET  /__simulator/faults                     {"rules": [...]}
    POST /__simulator/faults  {"spec": "429@nth=2"}   (adds; {"spec": "", "replace": true} clears)
    GET  /__simulator/stats                      requests by status, the bill's totals
    GET  /__simulator/bill                       every billed call that is kept
    POST /__simulator/reset                      empty caches, bill and statistics

They are served only when the server is bound to a loopback address.
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.errors import UsageError
from penstock.simulator.clock import Clock
from penstock.simulator.faults import parse_rules
from penstock.simulator.provider import Provider

PREFIX = "/__simulator/"


class _Move(msgspec.Struct, forbid_unknown_fields=True):
    advance: float | None = None
    set: float | None = None


class _Faults(msgspec.Struct, forbid_unknown_fields=True):
    spec: str
    replace: bool = False


def answer(provider: Provider, clock: Clock, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and JSON body of a control request; mistakes are a 400 with a message, never an exception."""
    try:
        found = _answer(provider, clock, method, path.removeprefix(PREFIX), body)
    except (UsageError, ValueError) as error:  # msgspec's errors are ValueErrors
        return 400, msgspec.json.encode({"error": str(error)})
    if found is None:
        return 404, msgspec.json.encode({"error": f"no control path for {method} {path}"})
    return 200, msgspec.json.encode(found)


def _answer(provider: Provider, clock: Clock, method: str, name: str, body: bytes) -> Any:
    if name == "clock" and method == "GET":
        return {"now": clock.now()}
    if name == "clock" and method == "POST":
        move = msgspec.json.decode(body, type=_Move)
        if (move.advance is None) == (move.set is None):
            raise UsageError("give either advance or set")
        seconds = move.advance if move.advance is not None else (move.set or 0.0) - clock.now()
        return {"now": clock.advance(seconds)}
    if name == "faults" and method == "GET":
        return {"rules": [msgspec.to_builtins(rule) for rule in provider.faults.rules]}
    if name == "faults" and method == "POST":
        asked = msgspec.json.decode(body, type=_Faults)
        rules = parse_rules(asked.spec)
        if asked.replace:
            provider.replace_faults(rules)
        else:
            for rule in rules:
                provider.inject(rule)
        return {"rules": [msgspec.to_builtins(rule) for rule in provider.faults.rules]}
    if name == "stats" and method == "GET":
        return provider.stats()
    if name == "bill" and method == "GET":
        return {"calls": [msgspec.to_builtins(call) for call in provider.billed()]}
    if name == "reset" and method == "POST":
        provider.reset()
        return {"now": clock.now()}
    return None
