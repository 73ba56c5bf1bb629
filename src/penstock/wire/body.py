"""JSON bodies edited in place: what no operation touches keeps its very bytes.

Operations are sorted by the container that they change. Values set are exchanged where they stand; keys and elements
that come or go change only the gap in which they do, so the bytes before and after a change stay as they were.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from penstock.errors import MalformedRequest
from penstock.wire.segments import Path
from penstock.wire.walk import Body, Container

_Replacement = tuple[int, int, bytes]
_value = msgspec.json.Decoder(msgspec.Raw)


class Operation(msgspec.Struct, frozen=True):
    """One change to a JSON body.

    Attributes:
        path: where, in the body as it stands before any change.
        action: ``set`` puts a value at a key or index, added at the end of its object when the key is new;
            ``insert`` puts a value before an array index, an index equal to the length appends; ``delete`` takes away
            a key (each of its repetitions) or an array element.
        value: the JSON bytes to put there; empty for ``delete``.
    """

    path: Path
    action: str
    value: bytes = b""


class _Changes(msgspec.Struct):
    """What comes and goes in one container: entries to take out, and values to put before an entry index."""

    container: Container
    gone: set[int] = msgspec.field(default_factory=set)
    new: dict[int, list[bytes]] = msgspec.field(default_factory=dict)

    def put(self, index: int, text: bytes) -> None:
        self.new.setdefault(index, []).append(text)


def locate(raw: bytes, path: Path) -> tuple[int, int]:
    """Half-open byte offsets of the value at a path; MalformedRequest when it is absent or the body is not JSON."""
    return Body(raw).span(path)


def apply(raw: bytes, operations: Sequence[Operation]) -> bytes:
    """The body after some operations, each path meant in the body as given; without operations the same object.

    Values put at one place keep the order of the operations.

    Raises:
        MalformedRequest: when an operation's place does not exist.
        ValueError: when operations overlap, or one is not a thing to do (an unknown action, a value that is not JSON).
    """
    return apply_to(Body(raw), operations)


def apply_to(body: Body, operations: Sequence[Operation]) -> bytes:
    """``apply`` for a body of which offsets may be known already."""
    raw = body.raw
    if not operations:
        return raw
    _refuse_overlaps(operations)
    pieces: list[bytes] = []
    position = 0
    for start, end, text in sorted(_replacements(body, operations), key=lambda piece: piece[:2]):
        pieces += (raw[position:start], text)
        position = end
    pieces.append(raw[position:])
    return b"".join(pieces)


def _replacements(body: Body, operations: Sequence[Operation]) -> list[_Replacement]:
    done: list[_Replacement] = []
    changed: dict[Path, _Changes] = {}
    for operation in operations:
        path, text = operation.path, checked_value(operation)
        if not path:
            if operation.action != "set":
                raise ValueError("only set can be done to a whole body")
            done.append((*body.span(path), text))
            continue
        parent = path[:-1]
        if parent not in changed:
            changed[parent] = _Changes(body.container(body.span(parent)))
        container = changed[parent].container
        index = container.find(path[-1])
        if operation.action == "set" and index is not None:
            done.append((container.values[index], container.ends[index], text))
        else:
            _note(changed[parent], operation, index, text)
    for changes in changed.values():
        done.extend(_gaps(changes))
    return done


def _note(changes: _Changes, operation: Operation, index: int | None, text: bytes) -> None:
    container, step = changes.container, operation.path[-1]
    size = len(container.starts)
    if operation.action == "set" and container.is_object and isinstance(step, str):
        changes.put(size, msgspec.json.encode(step) + b":" + text)
    elif operation.action == "insert":
        if container.is_object or isinstance(step, str):
            raise ValueError("insert needs an array index")
        if not 0 <= step <= size:
            raise MalformedRequest("the body has nothing at that path")
        changes.put(step, text)
    elif operation.action == "delete" and index is not None:
        keys = container.keys
        changes.gone.update([index] if keys is None else [at for at, key in enumerate(keys) if key == step])
    else:
        raise MalformedRequest("the body has nothing at that path")


def _gaps(changes: _Changes) -> list[_Replacement]:
    """The replacements between the entries that stay, and after the last of them."""
    container, gone = changes.container, changes.gone
    starts, ends, size = container.starts, container.ends, len(container.starts)
    if len(gone) == size:
        start, end = (starts[0], ends[-1]) if starts else (container.inside, container.inside)
        return [(start, end, b",".join(_texts(changes, range(size + 1))))]
    found: list[_Replacement] = []
    done = -1  # the last gap worked on, by the entry that stays after it
    for place in sorted({*changes.new, *gone}):  # so the first place of a run of deletions comes first
        if place <= done:
            continue
        after = place
        while after in gone:
            after += 1
        texts = _texts(changes, range(place, after + 1))
        if after < size:
            found.append((starts[place], starts[after], b"".join(text + b"," for text in texts)))
        else:
            found.append((ends[place - 1], ends[-1], b"".join(b"," + text for text in texts)))
        done = after
    return found


def _texts(changes: _Changes, places: range) -> list[bytes]:
    return [text for place in places for text in changes.new.get(place, ())]


def _refuse_overlaps(operations: Sequence[Operation]) -> None:
    """An operation inside a value that another one sets or deletes, or two that do so at one place, is an error."""
    owned: set[Path] = set()
    for operation in operations:
        if operation.action not in ("set", "insert", "delete"):
            raise ValueError(f"no such action: {operation.action}")
        if operation.action != "insert":
            if operation.path in owned:
                raise ValueError("two operations at one place")
            owned.add(operation.path)
    for operation in operations:
        for length in range(len(operation.path)):
            if operation.path[:length] in owned:
                raise ValueError("an operation inside a value that another one replaces")


def checked_value(operation: Operation) -> bytes:
    """An operation's value; ValueError when it is not JSON."""
    if operation.action == "delete":
        if operation.value:
            raise ValueError("delete takes no value")
        return b""
    try:
        _value.decode(operation.value)
        operation.value.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("the value of an operation is not JSON") from None
    return operation.value
