"""What the provider's caches hold, kept twice: as the client's own bytes would have left them, and as they are.

``baseline`` is the world without us: every call's own bytes, as they came. It prices "what the same call would have
cost as the client sent it, with the caching that it already had" (T18). ``actual`` is the world as it is: the bytes
that were sent. It foresees what a planned request will read and write, and how warm the client's model is (T15).

While nothing is ever changed the two worlds are one, and a second state is kept only from the first changed call on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from penstock.cachemodel.admission import DEFAULTS, Admission, Decisions
from penstock.cachemodel.machine import Rejected, admit, begin
from penstock.cachemodel.prompt import prompt_of_view
from penstock.cachemodel.store import CacheState
from penstock.models.profile import Profile
from penstock.unknown import Unknown
from penstock.wire.view import View

_MOST_ENTRIES = 100_000
_MOST_PENDING = 50_000


class Pending(msgspec.Struct):
    """Admissions of a call whose answer has not begun; either is None when nothing was foreseen."""

    baseline: Admission | None = None
    actual: Admission | None = None


class Forecast:
    """The two worlds of one process.

    Attributes:
        baseline: the caches as the client's own bytes would have left them.
        actual: the caches as they are; the same object while no call was changed.
        forgot: how often a world was forgotten because it had grown too large.
    """

    def __init__(self, decisions: Decisions = DEFAULTS, *, scope: str = "") -> None:
        self._decisions, self._scope = decisions, scope
        self.baseline = CacheState(decisions)
        self.actual = self.baseline
        self.forgot = 0
        self._pending: OrderedDict[str, Pending] = OrderedDict()

    @property
    def parted(self) -> bool:
        """Whether the two worlds differ, because a changed request was sent."""
        return self.actual is not self.baseline

    def part(self) -> None:
        """Keep the actual world apart from now on; it starts without entries, because what it held is not copied."""
        if not self.parted:
            self.actual = CacheState(self._decisions)

    def admission(
        self, state: CacheState, view: View, profile: Profile | Unknown, ends: Sequence[int], at: float
    ) -> Admission | None:
        """What one world's cache would do with a request that starts at ``at``; changes nothing.

        ``ends`` are the tokens up to the end of each segment.

        None for a model that we do not know, and for a request that the provider refuses for its cache fields.
        """
        if isinstance(profile, Unknown):
            return None
        try:
            return admit(state, prompt_of_view(view, profile, ends, scope=self._scope), at)
        except Rejected:
            return None

    def sending(self, call_id: str, *, baseline: Admission | None = None, actual: Admission | None = None) -> None:
        """Remember what a Send will do to the worlds once its answer begins; a second Send replaces the actual part."""
        pending = self._pending.setdefault(call_id, Pending())
        if baseline is not None:
            pending.baseline = baseline
        pending.actual = actual
        if len(self._pending) > _MOST_PENDING:
            self._pending.popitem(last=False)

    def began(self, call_id: str, at: float) -> None:
        """The answer to a call's Send began at ``at``; what it wrote can be read from then on."""
        pending = self._pending.get(call_id)
        if pending is None:
            return
        if pending.baseline is not None:
            begin(self.baseline, pending.baseline, at)
            pending.baseline = None
        if pending.actual is not None and self.parted:
            begin(self.actual, pending.actual, at)
        pending.actual = None

    def ended(self, call_id: str, at: float) -> None:
        """The call is over; forget it, and whatever grew too large."""
        self._pending.pop(call_id, None)
        if self.parted:
            self.baseline, self.actual = self._bounded(self.baseline, at), self._bounded(self.actual, at)
        else:
            self.baseline = self.actual = self._bounded(self.baseline, at)

    def _bounded(self, state: CacheState, at: float) -> CacheState:
        if len(state) <= _MOST_ENTRIES:
            return state
        state.sweep(at)
        if len(state) <= _MOST_ENTRIES:
            return state
        self.forgot += 1
        return CacheState(self._decisions)
