"""A change is data: what a lever proposes, why, what it saves and what it risks."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.segments import Path


class Risk(StrEnum):
    """What a change can do to the answer (design, section 3)."""

    EXACT = "exact"  # the model reads the same text: markers, cache keys
    EQUIVALENT = "equivalent"  # order or position of text changes
    LOSSY = "lossy"  # trim, summarise, cap, brevity, another model


class Action(StrEnum):
    """What is done at a path."""

    SET = "set"  # put a value at a key or index, added at the end of its object when the key is new
    INSERT = "insert"  # put a value before an array index; an index equal to the length appends
    DELETE = "delete"  # take away a key or an array element


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One change to a request body.

    Attributes:
        lever: ``cache``, ``cap``, ``route``, ``trim`` or ``brevity``.
        path: where, in the body that the lever saw: the client's, with the edits of the levers before it.
        action: set, insert or delete.
        value: the JSON bytes to put there; empty for delete.
        why: one line for people, without prompt text.
        saving: expected saving of the edit in picodollars for this call and the reads that it enables, net of what it
            costs; Unknown when a price or a count is missing.
        risk: what it can do to the answer.
        group: edits of one lever with the same name here stand or fall together (a model and the parameters that go
            with it); empty for an edit that stands alone.
    """

    lever: str
    path: Path
    action: Action
    value: bytes = b""
    why: str
    saving: Picodollars | Unknown
    risk: Risk
    group: str = ""


class Note(msgspec.Struct, frozen=True):
    """What a lever that could have acted does instead, most often nothing: shown and kept, changes nothing.

    Attributes:
        lever: ``cache``, ``cap``, ``route``, ``trim`` or ``brevity``.
        why: one line for people with its arithmetic, without prompt text.
        did: what it does.
    """

    lever: str
    why: str
    did: str = "stands down"
