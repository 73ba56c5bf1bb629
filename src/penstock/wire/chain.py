"""The building of segments: what a digest covers, and the chain of prefix digests.

A digest is of a seed for level, role and kind, then of the content's JSON bytes as they stand, cache markers left out.
A text part that holds nothing but its text is digested as that text's JSON string, so plain-string content and the
list of one text part are the same segment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec
from xxhash import xxh3_128, xxh3_128_digest

from penstock.wire.raw import Members
from penstock.wire.segments import Level, Marker, Path, Segment
from penstock.wire.weight import Weight, is_short_text, weigh


class Place(msgspec.Struct, frozen=True):
    """Where content stands, and what its segments have in common.

    Attributes:
        level, role, message: as in ``Segment``.
        path: of the content.
        extras: bytes of the enclosing message that the model reads beside the content; they go into the first digest.
        markable: whether the place allows markers at all.
        kind: the kind of every segment here; empty when each part's type decides.
    """

    level: Level
    role: str
    message: int
    path: Path
    extras: bytes = b""
    markable: bool = True
    kind: str = ""


class Content(msgspec.Struct, frozen=True):
    """How one dialect's message parts are read.

    Attributes:
        kinds: the part types that we know, each with its segment kind.
        markable: the part types on which a marker may stand.
        marker_key: the member of a part that holds a cache marker.
        context: names all that shapes segments beside their bytes: the dialect, the default lifetime of markers.
    """

    kinds: Mapping[str, str]
    markable: frozenset[str]
    marker_key: str
    context: str

    def marker_of(self, value: msgspec.Raw) -> Marker | None:
        """The marker in a part's marker member; None when it is null."""
        raise NotImplementedError


class Chain:
    """Collects a request's segments in render order.

    Attributes:
        content: how the dialect's parts are read.
        initial: whether every message so far was part of the system prompt.
        segments: what was collected.
    """

    __slots__ = ("_prefix", "content", "initial", "segments")

    def __init__(self, content: Content, segments: Sequence[Segment] = (), *, initial: bool = True) -> None:
        """A chain that goes on after some segments."""
        self.content = content
        self.initial = initial
        self.segments = list(segments)
        self._prefix = segments[-1].prefix if segments else b""

    def add(
        self,
        place: Place,
        kind: str,
        path: Path,
        digest: bytes,
        weight: Weight,
        *,
        marker: Marker | None = None,
        markable: bool = True,
        last: bool = False,
    ) -> None:
        """Append a segment; ``last`` says that it ends its message."""
        self._prefix = xxh3_128_digest(self._prefix + digest)
        self.segments.append(
            Segment(
                level=place.level,
                kind=kind,
                role=place.role,
                message=place.message,
                path=path,
                size=weight.size,
                images=weight.images,
                attached=weight.attached,
                digest=digest,
                prefix=self._prefix,
                marker=marker,
                markable=markable,
                ends_message=last,
            )
        )


Build = Callable[[Chain, msgspec.Raw, int], None]
"""Adds the segments of one value to a chain; the number is the message's index."""


@lru_cache(maxsize=1024)
def seed_of(level: str, role: str, kind: str) -> int:
    """A 64-bit seed that sets segments of another level, role or kind apart."""
    return int.from_bytes(xxh3_128_digest(f"{level}\n{role}\n{kind}".encode())[:8], "big")


def digest_of_value(seed: int, value: msgspec.Raw, extras: bytes = b"") -> bytes:
    """The digest of one JSON value; ``extras`` are bytes of the enclosing message that the model reads too."""
    if not extras:
        return xxh3_128_digest(value, seed=seed)
    state = xxh3_128(value, seed=seed)
    state.update(extras)
    return state.digest()


def digest_of_members(seed: int, members: Members, without: str, extras: bytes = b"") -> tuple[bytes, Weight]:
    """The digest of an object's members in their order, one of them left out, and what their values weigh."""
    state = xxh3_128(seed=seed)
    size = images = attached = 0
    for key, value in members.items():
        if key == without:
            continue
        state.update(_framed(key))
        state.update(value)
        if is_short_text(value):
            size += len(value)
        else:
            weight = weigh(value)
            size += weight.size
            images += weight.images
            attached += weight.attached
    if extras:
        state.update(extras)
    return state.digest(), Weight(size, images, attached)


@lru_cache(maxsize=1024)
def _framed(key: str) -> bytes:
    """A member's name as it is digested."""
    return b"\0%b\0" % key.encode()


def extras_of(members: Members, known: frozenset[str]) -> bytes:
    """The members of a message beside its content, as bytes to digest: a name, a tool call's id, unknown fields."""
    if members.keys() <= known:
        return b""
    return b"".join(b"\1%b\0%b" % (key.encode(), bytes(value)) for key, value in members.items() if key not in known)
