"""The randomised arm of a call: the same draw on every host, and no state.

A keyed hash of the session (of the call where there is none) is a uniform draw that nobody can steer and that a
restart does not change. Sessions stay whole, because the calls of one share a cache.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Literal

Arm = Literal["treated", "holdback", "observe", "bypass", "own"]
"""``treated``: the plan was sent. ``holdback``: drawn to go as it came. ``observe``: the policy only watches.
``bypass``: the caller turned us off for this call. ``own``: no caller's call, but the books of requests of ours."""

_RANGE = 1 << 64
_LONGEST_KEY = blake2b.MAX_KEY_SIZE


def draw(salt: str, unit: str) -> float:
    """A number in [0, 1), uniform over units, fixed for a salt."""
    digest = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8, key=_key(salt)).digest()
    return int.from_bytes(digest, "big") / _RANGE


def arm_of(share: float, salt: str, *, session: str | None, call_id: str) -> Literal["treated", "holdback"]:
    """``holdback`` for a ``share`` (0..1) of sessions, or of calls that have no session."""
    if share <= 0.0:
        return "treated"
    unit = f"session {session}" if session is not None else f"call {call_id}"
    return "holdback" if draw(salt, unit) < share else "treated"


@lru_cache(maxsize=16)
def _key(salt: str) -> bytes:
    """The salt as a hash key; keys are at most 64 bytes, so longer salts are hashed first."""
    raw = salt.encode("utf-8", "surrogatepass")
    return raw if len(raw) <= _LONGEST_KEY else blake2b(raw).digest()
