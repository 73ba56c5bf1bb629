"""The entries of a prompt cache, by the prefix that they end with.

A prefix is a root (what entries are shared within: scope, model, settings) and a step under it, which stands for every
block from the start of the prompt; equal roots and steps are equal prefixes. Memory is bounded by the live entries:
once as many were added as were alive at the last sweep, the expired ones are swept out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import msgspec

from penstock.cachemodel.admission import DEFAULTS, Decisions

_SWEEP_AT_LEAST = 4096
MINUTE = 60.0
"""The window of ``arrivals``: rates of machines are per minute."""


class Life(msgspec.Struct, frozen=True):
    """One entry of a prefix.

    Attributes:
        ttl: the name of its lifetime; a prefix has at most one entry of each.
        base: the start of the request that wrote or last read it, seconds.
        readable_at: from when on it can be read: when the response that wrote it began.
        lifetime_s: how long it lives from ``base`` on.
    """

    ttl: str
    base: float
    readable_at: float
    lifetime_s: float


class CacheState:
    """What a provider has cached at a moment. Times are seconds and must not run backwards between sweeps.

    Attributes:
        decisions: what to do where the documentation is silent.
        arrivals: start times of the latest minute's requests by stream; kept only where machines overflow.
    """

    def __init__(self, decisions: Decisions = DEFAULTS) -> None:
        self.decisions = decisions
        self._lives: dict[Hashable, dict[Hashable, tuple[Life, ...]]] = {}
        self._stored = 0
        self._sweep_at = _SWEEP_AT_LEAST
        self.arrivals: dict[Hashable, list[float]] = {}

    def readable(self, root: Hashable, step: Hashable, at: float) -> list[Life]:
        """The entries of a prefix that a request starting at ``at`` can read."""
        steps = self._lives.get(root)
        lives = steps.get(step) if steps is not None else None
        return [life for life in lives if life.readable_at <= at and self._alive(life, at)] if lives else []

    def put(self, root: Hashable, steps: Iterable[Hashable], life: Life) -> None:
        """Store an entry at prefixes of one root, or renew the one of that lifetime that is there.

        A renewal counts from the later start, and never takes back that an entry can already be read.
        """
        here = self._lives.setdefault(root, {})
        last: tuple[Life, ...] | None = None
        made: tuple[Life, ...] = ()
        for step in steps:
            lives = here.get(step, ())
            if lives is not last:  # neighbours of a grid prompt share their entries
                last, made = lives, self._with(lives, life)
            here[step] = made
            self._stored += len(made) - len(lives)

    def _with(self, lives: tuple[Life, ...], life: Life) -> tuple[Life, ...]:
        kept = tuple([old for old in lives if old.ttl != life.ttl])
        old = next((old for old in lives if old.ttl == life.ttl), None)
        return (*kept, life if old is None else self._renewed(old, life))

    def _renewed(self, old: Life, new: Life) -> Life:
        """An entry after another write or read of the same lifetime."""
        if not self._alive(old, new.base):
            return new
        readable_at = min(new.readable_at, old.readable_at)
        return Life(new.ttl, max(new.base, old.base), readable_at, new.lifetime_s)

    def sweep_if_due(self, at: float) -> None:
        """Drop what has expired by ``at``, when enough was stored since the last sweep to make it worth the walk."""
        if self._stored >= self._sweep_at:
            self.sweep(at)

    def sweep(self, at: float) -> None:
        """Drop every entry that has expired by ``at``."""
        self._stored = 0
        for root, steps in list(self._lives.items()):
            alive = {step: left for step, lives in steps.items() if (left := self._left(lives, at))}
            self._stored += sum(map(len, alive.values()))
            if alive:
                self._lives[root] = alive
            else:
                del self._lives[root]
        self.arrivals = {key: times for key, times in self.arrivals.items() if times and at - times[-1] <= MINUTE}
        self._sweep_at = max(_SWEEP_AT_LEAST, 2 * self._stored)

    def __len__(self) -> int:
        """Stored entries, expired ones that were not swept yet included."""
        return self._stored

    def _left(self, lives: tuple[Life, ...], at: float) -> tuple[Life, ...]:
        if all(self._alive(life, at) for life in lives):
            return lives
        return tuple([life for life in lives if self._alive(life, at)])

    def _alive(self, life: Life, at: float) -> bool:
        age = at - life.base
        return age < life.lifetime_s or (age == life.lifetime_s and self.decisions.valid_at_boundary)
