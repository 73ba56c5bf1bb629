"""Edits that leave a prompt's text as it is: cache markers, and parameters. What they change is spliced in.

The bytes are those that `body.apply` would make: a new member goes behind the last one of its object.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from penstock.wire.body import Operation, checked_value
from penstock.wire.outline import Outline
from penstock.wire.raw import Raw
from penstock.wire.reader import Fields
from penstock.wire.segments import Marker, Path, Segment

if TYPE_CHECKING:
    from penstock.wire.view import View

_SPACES = b" \t\n\r"

Splice = tuple[int, int, bytes]
"""Bytes to put in the place of a half-open span."""


def edit_of(view: View, operations: Sequence[Operation]) -> tuple[bytes, Fields, Outline] | None:
    """The body, the fields and the outline after operations that only mark and set parameters; None for any other."""
    splices: list[Splice] = []
    marks: dict[int, tuple[Marker | None, Path]] = {}
    fields = view.fields
    for operation in operations:
        known = view.marked_by(operation)
        if known is not None:
            position, segment, marker = known
            splice = None if position in marks else _mark(view, segment, operation)
            marks[position] = (marker, segment.path if isinstance(segment.path[-1], int) else (*segment.path, 0))
        else:
            splice = _param(view, operation)
            if splice is not None:
                fields = msgspec.structs.replace(fields, **{str(operation.path[0]): Raw(operation.value)})
        if splice is None:
            return None
        splices.append(splice)
    if not view.reads_alike(fields):
        return None
    splices.sort()
    if any(one[1] > other[0] or one[:2] == other[:2] for one, other in pairwise(splices)):
        return None
    outline = view.outline.remarked(marks) if marks else view.outline
    return spliced(view.raw, splices), fields, outline


def spliced(raw: bytes, splices: Sequence[Splice]) -> bytes:
    """The bytes after some splices, which are in order and do not overlap."""
    pieces: list[bytes] = []
    position = 0
    for start, end, text in splices:
        pieces += (raw[position:start], text)
        position = end
    pieces.append(raw[position:])
    return b"".join(pieces)


def _mark(view: View, segment: Segment, operation: Operation) -> Splice | None:
    if segment.marker is not None or segment.path == ("input",):
        return None
    start, end = view.span(segment)
    if len(operation.path) == len(segment.path):
        return start, end, operation.value
    member = b',"%b":%b' % (str(operation.path[-1]).encode(), operation.value)
    at = start + len(view.raw[start : end - 1].rstrip(_SPACES))
    return at, at, member


def _param(view: View, operation: Operation) -> Splice | None:
    """A parameter that is set for the first time; None for anything else."""
    name = operation.path[0] if len(operation.path) == 1 else None
    if operation.action != "set" or not isinstance(name, str) or not view.lacks(name) or view.top is None:
        return None
    return view.top.end, view.top.end, b',"%b":%b' % (name.encode(), checked_value(operation))
