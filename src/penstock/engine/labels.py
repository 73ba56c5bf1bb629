"""What a caller tells us about a call beside its body: the ``x-penstock-*`` headers (design, section 5).

They never go upstream. Values are cut to ``LONGEST`` characters and control characters are dropped, because they
become labels of metrics and lines of logs.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

PREFIX = "x-penstock-"
"""What our header names begin with, in lower case."""

LONGEST = 200
"""Characters of a label."""

MOST_TAGS = 32
"""Tags of a call."""

SIMULATED = "simulated"
"""The tag of calls whose answers are simulated."""

_OFF = frozenset({"", "0", "false", "no", "off"})


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """The labels of a call.

    Attributes:
        task: what the call is for, or None.
        session: conversation key, or None.
        trace: pipeline key, or None.
        tags: free labels.
        bypass: whether we are turned off for this call.
    """

    task: str | None = None
    session: str | None = None
    trace: str | None = None
    tags: dict[str, str] = {}
    bypass: bool = False


NO_LABELS = Labels()


def read_labels(ours: Mapping[str, str]) -> Labels:
    """The labels in our headers, given by lower-case name; other names are ignored.

    ``x-penstock-tags`` is ``name=value,name=value``; a word without a value is its own value.
    """
    if not ours:
        return NO_LABELS
    return Labels(
        task=_label(ours.get("x-penstock-task")),
        session=_label(ours.get("x-penstock-session")),
        trace=_label(ours.get("x-penstock-trace")),
        tags=_tags(ours.get("x-penstock-tags", "")),
        bypass=ours.get("x-penstock-bypass", "").strip().lower() not in _OFF,
    )


def _label(value: str | None) -> str | None:
    if value is None:
        return None
    cleaned = "".join(char for char in value if char.isprintable()).strip()
    return cleaned[:LONGEST] or None


def _tags(value: str) -> dict[str, str]:
    tags: dict[str, str] = {}
    for part in value.split(","):
        name, separator, rest = part.partition("=")
        label = _label(name)
        if label is not None and len(tags) < MOST_TAGS:
            tags[label] = (_label(rest) or "") if separator else label
    return tags
