"""Which headers travel, and which end here.

Upstream goes everything that the caller sent, in its order, but for hop-by-hop headers (RFC 9110, 7.6.1), those that
the upstream client writes itself, and ours. Back come all of the provider's, again without the hop-by-hop ones.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from penstock.engine.labels import NO_LABELS, PREFIX, Labels, read_labels
from penstock.wire.simulated import HEADER, is_simulated

Lines = list[tuple[bytes, bytes]]


class SameLines(list[tuple[bytes, bytes]]):
    """Lines that are sent with many requests and never change; ``wire`` is how they were once written."""

    __slots__ = ("wire",)

    def __init__(self, lines: Lines) -> None:
        super().__init__(lines)
        self.wire: bytes | None = None


HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_NOT_UPSTREAM = HOP_BY_HOP | {b"host", b"content-length", b"expect"}
_OURS = PREFIX.encode()
_SIMULATOR = HEADER.encode()
_TELLING = (b"x-penstock-", b"x-api-key", b"authorization", b"anthropic-", b"content-encoding")


class Asked(msgspec.Struct, kw_only=True):
    """A caller's headers, taken apart.

    Attributes:
        forwarded: what goes upstream.
        ours: our own headers, by lower-case name.
        length: of the body, or None when it is sent in chunks.
        encoding: the body's content-encoding, or None.
        key: the caller's key for us or for the provider, or None; never logged.
        bearer: whether the key came as ``authorization: Bearer``.
        anthropic: whether a header shows that the caller speaks Anthropic's API.
        observed: whether it is subscription traffic, which goes on under its own token and is not changed.
        labels: what our own headers say.
        upstream: the header lines for each provider and ``accept-encoding``, once they were asked for.
    """

    forwarded: Lines
    ours: dict[str, str] = {}
    length: int | None = None
    encoding: str | None = None
    key: bytes | None = None
    bearer: bool = False
    anthropic: bool = False
    observed: bool = False
    labels: Labels = NO_LABELS
    upstream: dict[tuple[str, bytes | None], Lines] = {}


def take_apart(lines: Iterable[tuple[bytes, bytes]]) -> Asked:
    """A request's headers (names in lower case)."""
    forwarded: Lines = []
    asked = Asked(forwarded=forwarded)
    named: set[bytes] | None = None
    for line in lines:
        name, value = line
        if name in _NOT_UPSTREAM:
            if name == b"connection":
                named = _named(value, named)
            elif name == b"content-length" and value.isdigit():
                asked.length = int(value)
        elif not name.startswith(_TELLING) or _forwarded(name, value, asked):
            forwarded.append(line)
    if named:
        asked.forwarded = [line for line in forwarded if line[0] not in named]
    asked.labels = read_labels(asked.ours)
    return asked


def _forwarded(name: bytes, value: bytes, asked: Asked) -> bool:
    """Note what a header tells us; whether it goes upstream."""
    if name.startswith(_OURS):
        asked.ours = {**asked.ours, name.decode("latin-1"): value.decode("utf-8", "replace")}
        return False
    if name == b"x-api-key":
        asked.key, asked.anthropic = asked.key or value, True
    elif name == b"authorization":
        if value[:7].lower() == b"bearer ":
            asked.key, asked.bearer = value[7:].strip(), True
    elif name.startswith(b"anthropic-"):
        asked.anthropic = True
    elif name == b"content-encoding":
        asked.encoding = value.decode("latin-1")
    return True


def backward(lines: Lines, length: int | None = None) -> Lines:
    """What of a provider's response headers the caller gets, with another ``content-length`` if one is given."""
    if length is not None:
        lines = replaced(lines, b"content-length", b"%d" % length)
    kept = [line for line in lines if line[0] not in HOP_BY_HOP]
    for name, value in lines:
        if name == b"connection":
            named = _named(value, None)
            return [line for line in kept if line[0] not in named] if named else kept
    return kept


def header(lines: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    """The first value of a header, or None."""
    for name, value in lines:
        if name == wanted:
            return value.decode("latin-1")
    return None


def says_simulated(lines: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a provider's response says that its answers are simulated."""
    return is_simulated(header(lines, _SIMULATOR))


def replaced(lines: Lines, name: bytes, value: bytes) -> Lines:
    """The lines with one value for a header, at the place of its first line or at the end."""
    found: Lines = []
    done = False
    for line in lines:
        if line[0] != name:
            found.append(line)
        elif not done:
            found.append((name, value))
            done = True
    return found if done else [*found, (name, value)]


def _named(value: bytes, known: set[bytes] | None) -> set[bytes] | None:
    """The headers that a ``connection`` line makes hop-by-hop, without the usual words."""
    words = {word.strip().lower() for word in value.split(b",")} - {b"", b"close", b"keep-alive", b"upgrade"}
    return (known or set()) | words if words else known
