"""What the transports of one ``Penstock`` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import RLock
from typing import TYPE_CHECKING

from penstock.client.warming import Warmth
from penstock.engine.context import EngineContext
from penstock.grading.graders import Graders
from penstock.ledger.books import Books

if TYPE_CHECKING:
    from penstock.client.spans import Spans


class Core:
    """The engine's context, the books, the clock and the ids.

    Attributes:
        context: shared by all calls; only touched while ``lock`` is held.
        books: where records go.
        clock: seconds since the epoch.
        ids: makes the next call's id.
        closing: called before the books close, so that calls that wait for a shadow are recorded.
        graders: the user's.
        lock: calls of several threads plan one after the other; nothing waits inside it.
        warmth: the requests that fill cache entries or keep them alive.
        spans: to a collector, or None.
    """

    def __init__(
        self,
        context: EngineContext,
        books: Books,
        *,
        clock: Callable[[], float],
        ids: Callable[[], str],
        spans: Spans | None = None,
        lock: RLock | None = None,
    ) -> None:
        self.context = context
        self.books = books
        self.clock = clock
        self.ids = ids
        self.closing: list[Callable[[], None]] = []
        self.graders = Graders()
        self.lock = lock if lock is not None else RLock()
        self.warmth = Warmth(context, self.lock, clock)
        self.closing.append(self._keep_warming)
        self.spans = spans
        if spans is not None:
            books.heard.append(spans.heard)

    def begin(self, headers: Mapping[str, str]) -> str:
        """A call begins, in its caller's context: its id.

        Args:
            headers: of its request.
        """
        call_id = self.ids()
        if self.spans is not None:
            self.spans.met(call_id, headers)
        return call_id

    def _keep_warming(self) -> None:
        """Before the books close: what was spent on warming and no call was booked with."""
        self.warmth.close(self.ids, self.books.keep)
