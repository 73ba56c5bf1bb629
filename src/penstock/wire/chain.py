"""The building of segments: what a digest covers, and the chain of prefix digests.

A digest is of a seed for level, role and kind, then of the content's JSON bytes as they stand, cache markers left out.
A text part that holds nothing but its text is digested as that text's JSON string, so plain-string content and the
list of one text part are the same segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec
from xxhash import xxh3_128, xxh3_128_digest

from penstock.wire.segments import Level, Marker, Path, Segment

Raw = msgspec.Raw
Members = Mapping[str, msgspec.Raw]
"""An object decoded one level deep."""

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_objects = msgspec.json.Decoder(list[dict[str, Raw]])
_text = msgspec.json.Decoder(str)


class Place(msgspec.Struct, frozen=True):
    """Where content stands, and what its segments have in common.

    Attributes:
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


class Chain:
    """Collects a request's segments in render order."""

    __slots__ = ("_prefix", "marker_key", "segments")

    def __init__(self, marker_key: str) -> None:
        """``marker_key`` is the member that holds a cache marker in this dialect."""
        self.marker_key = marker_key
        self.segments: list[Segment] = []
        self._prefix = b""

    def add(
        self,
        place: Place,
        kind: str,
        path: Path,
        digest: bytes,
        size: int,
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
                size=size,
                digest=digest,
                prefix=self._prefix,
                marker=marker,
                markable=markable,
                ends_message=last,
            )
        )


@lru_cache(maxsize=1024)
def seed_of(level: str, role: str, kind: str) -> int:
    """A 64-bit seed that sets segments of another level, role or kind apart."""
    return int.from_bytes(xxh3_128_digest(f"{level}\n{role}\n{kind}".encode())[:8], "big")


def digest_of_value(seed: int, value: msgspec.Raw, extras: bytes = b"") -> bytes:
    """The digest of one JSON value; ``extras`` are bytes of the enclosing message that the model reads too."""
    if extras:
        state = xxh3_128(value, seed=seed)
        state.update(extras)
        return state.digest()
    return xxh3_128_digest(value, seed=seed)


def digest_of_members(seed: int, members: Members, without: str, extras: bytes = b"") -> tuple[bytes, int]:
    """The digest of an object's members in their order, one of them left out, and the bytes of their values."""
    state = xxh3_128(seed=seed)
    size = 0
    for key, value in members.items():
        if key != without:
            state.update(b"\0%b\0" % key.encode())
            state.update(value)
            size += len(value)
    if extras:
        state.update(extras)
    return state.digest(), size


def extras_of(members: Members, known: frozenset[str]) -> bytes:
    """The members of a message beside its content, as bytes to digest: a name, a tool call's id, unknown fields."""
    if members.keys() <= known:
        return b""
    return b"".join(b"\1%b\0%b" % (key.encode(), bytes(value)) for key, value in members.items() if key not in known)


def objects_of(value: msgspec.Raw) -> list[dict[str, msgspec.Raw]] | None:
    """A list of objects decoded one level deep, or None when the value is something else."""
    try:
        return _objects.decode(value)
    except _UNREADABLE:
        return None


def text_of(value: msgspec.Raw | None) -> str:
    """A JSON string's text; empty for anything else."""
    if value is None:
        return ""
    try:
        return _text.decode(value)
    except _UNREADABLE:
        return ""


def texts_of(value: msgspec.Raw | None) -> Iterable[str]:
    """The texts of string content or of the text parts of a list."""
    if value is None or not is_given(value):
        return
    if is_string(value):
        yield text_of(value)
        return
    for part in objects_of(value) or ():
        yield text_of(part.get("text"))


def is_given(value: msgspec.Raw) -> bool:
    """Whether a member is there and not null."""
    return len(value) > 0 and value != _NULL


def is_string(value: msgspec.Raw) -> bool:
    """Whether a JSON value is a string."""
    return len(value) > 0 and memoryview(value)[0] == _QUOTE


_NULL = Raw(b"null")
_QUOTE = ord('"')
