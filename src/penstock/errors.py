"""Every error that Penstock raises on purpose, in three families that say whose fault it is.

    PenstockError
    ├── CallerError            what we were given is wrong            (exit 2 or 3)
    │   ├── UsageError         a flag, an argument, a policy file
    │   │   └── PolicyError    a policy file: line, key, suggestion
    │   ├── InputError         a file or a log that cannot be read
    │   └── MalformedRequest   a request body that is not what its dialect says
    ├── UpstreamError          the provider or the way to it
    │   ├── UpstreamUnreachable
    │   │   ├── UpstreamLeftAlone   it failed repeatedly and is not asked for a while
│   │   └── UpstreamClosed      a request went out and the connection closed without an answer
    │   ├── UpstreamTimeout
    │   └── UpstreamProtocolError   bytes that are not HTTP, or a stream that broke its own rules
    └── InternalError          ours: a bug, a full disk, a ledger that is gone

An error carries a one-line message, an optional ``hint`` that says what to do, and the command line's exit code.
Messages never hold prompt text, header values or keys.
"""

from __future__ import annotations

from typing import ClassVar


class PenstockError(Exception):
    """Base of the tree.

    Attributes:
        hint: what the reader can do about it, one line, or None.
        exit_code: what the command line exits with (0 fine, 1 threshold, 2 usage, 3 input).
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class CallerError(PenstockError):
    """What we were given is wrong."""


class UsageError(CallerError):
    """A flag, an argument or a setting is wrong."""

    exit_code: ClassVar[int] = 2


class PolicyError(UsageError):
    """A policy file is wrong; the message names file, line and key."""


class InputError(CallerError):
    """A file that is missing, unreadable or of no format that we know."""


class MalformedRequest(CallerError):  # noqa: N818 - named for what it is, as the providers do
    """A request body that its dialect does not allow."""


class UpstreamError(PenstockError):
    """The provider, or the way to it."""


class UpstreamUnreachable(UpstreamError):  # noqa: N818 - reads as the condition it reports
    """No connection could be made."""


class UpstreamClosed(UpstreamUnreachable):
    """A request went out and the connection closed without an answer: whether it was carried out is not known."""


class UpstreamLeftAlone(UpstreamUnreachable):
    """The provider failed repeatedly and is not asked for a while.

    Attributes:
        retry_after: seconds until it is probed.
    """

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class UpstreamTimeout(UpstreamError):  # noqa: N818 - reads as the condition it reports
    """A connection or an answer took longer than its limit."""


class UpstreamProtocolError(UpstreamError):
    """Bytes that are not HTTP, or a stream that broke its own rules."""


class InternalError(PenstockError):
    """Ours: a bug, a full disk, a ledger that is gone."""
