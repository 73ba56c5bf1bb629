"""A stream's events folded into the plain response body that the same call would have had without streaming."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from penstock.wire.dialect import Dialect
from penstock.wire.errors import ProviderError
from penstock.wire.fold_anthropic import AnthropicFold
from penstock.wire.fold_chat import ChatFold
from penstock.wire.fold_responses import ResponsesFold
from penstock.wire.sse import Event
from penstock.wire.usage import Usage


class _DialectFold(Protocol):
    """What each dialect's fold does; the attributes are those of ``Fold``."""

    first_content_seen: bool
    error: ProviderError | None

    @property
    def complete(self) -> bool: ...
    def add_all(self, events: Sequence[Event]) -> None: ...
    def body(self) -> bytes: ...
    def usage(self) -> Usage | None: ...
    def finish(self) -> str | None: ...


_FOLDS: Mapping[Dialect, Callable[[], _DialectFold]] = {
    Dialect.ANTHROPIC_MESSAGES: AnthropicFold,
    Dialect.OPENAI_CHAT: ChatFold,
    Dialect.OPENAI_RESPONSES: ResponsesFold,
}


class Fold:
    """Takes a stream's events one by one. Events of an unknown type and data that is no JSON change nothing."""

    __slots__ = ("_fold",)

    def __init__(self, dialect: Dialect) -> None:
        """An empty fold of a dialect's stream."""
        self._fold = _FOLDS[dialect]()

    def add(self, event: Event) -> None:
        """Take the next event; never raises."""
        self._fold.add_all((event,))

    def add_all(self, events: Sequence[Event]) -> None:
        """Take the next events; many at once cost less."""
        self._fold.add_all(events)

    def body(self) -> bytes:
        """The response body as JSON, as far as it has come; ``{}`` before the first event that makes it."""
        return self._fold.body()

    @property
    def usage(self) -> Usage | None:
        """The usage reported so far: of a cut stream what had arrived, None when nothing had."""
        return self._fold.usage()

    @property
    def finish(self) -> str | None:
        """How the answer ended, as in ``answer.finish_of``; None while it has not."""
        return self._fold.finish()

    @property
    def error(self) -> ProviderError | None:
        """The error that the stream carried, or None."""
        return self._fold.error

    @property
    def complete(self) -> bool:
        """Whether the event that ends the answer was seen; a stream that ends without it was cut."""
        return self._fold.complete

    @property
    def first_content_seen(self) -> bool:
        """Whether any part of the answer has come."""
        return self._fold.first_content_seen


def fold_events(dialect: Dialect, events: list[Event]) -> Fold:
    """The fold of all of a stream's events."""
    fold = Fold(dialect)
    fold.add_all(events)
    return fold
