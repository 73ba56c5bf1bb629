"""Numbers drawn from a prompt's digest: the same prompt and seed give the same number, whatever was drawn before."""

from __future__ import annotations

import math
from hashlib import blake2b
from statistics import NormalDist

_STANDARD = NormalDist()
_RANGE = 2**53


def whole(digest: bytes, seed: int, purpose: bytes) -> int:
    """A number of 64 bits; ``purpose`` (at most 16 bytes) keeps different draws from one digest apart."""
    key = seed.to_bytes(8, "big", signed=True)
    return int.from_bytes(blake2b(digest, digest_size=8, key=key, person=purpose).digest(), "big")


def share(digest: bytes, seed: int, purpose: bytes) -> float:
    """A number between 0 and 1, both exclusive."""
    return (whole(digest, seed, purpose) % _RANGE + 0.5) / _RANGE


def log_normal(median: float, spread: float, digest: bytes, seed: int, purpose: bytes) -> float:
    """A number around ``median``; ``spread`` is the sigma of its logarithm."""
    return median * math.exp(spread * _STANDARD.inv_cdf(share(digest, seed, purpose)))
