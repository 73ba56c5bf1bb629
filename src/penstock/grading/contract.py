"""What a grader is given and what it gives back, as JSON.

Given::

    {"version": 1, "task": "triage", "call_id": "...", "request": {...the client's body...},
     "reference": {"model": "...", "text": "...", "tool_calls": [{"name": "...", "arguments": "{...}"}]},
     "candidate": {...the same...}}

Given back, each score in 0..1 and higher for the better answer::

    {"reference": 1.0, "candidate": 0.5}
"""

from __future__ import annotations

from typing import Any

import msgspec

from penstock.engine.steps import Grade
from penstock.wire.answer import Answer

VERSION = 1
LONGEST = 65_536
"""Bytes of a grader's answer that are read."""

_read = msgspec.json.Decoder(dict[str, Any])


class BadScores(Exception):  # noqa: N818 - named for what it is
    """What a grader gave back is not two scores."""


def material(grade: Grade) -> bytes:
    """A pair as JSON."""
    return msgspec.json.encode(
        {
            "version": VERSION,
            "task": grade.task,
            "call_id": grade.call_id,
            "request": msgspec.Raw(grade.request),
            "reference": _answer(grade.reference),
            "candidate": _answer(grade.candidate),
        }
    )


def read_scores(raw: bytes) -> tuple[float, float]:
    """The scores of the reference and the candidate in a grader's JSON; BadScores for anything else."""
    try:
        return scores_of(_read.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadScores from None


def scores_of(value: Any) -> tuple[float, float]:
    """The scores in a mapping with ``reference`` and ``candidate``, or in a pair; BadScores for anything else."""
    if isinstance(value, dict):
        value = (value.get("reference"), value.get("candidate"))
    if not isinstance(value, tuple | list) or len(value) != 2:  # noqa: PLR2004 - a pair
        raise BadScores
    reference, candidate = (_score(one) for one in value)
    return reference, candidate


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise BadScores
    return float(value)


def _answer(answer: Answer) -> dict[str, Any]:
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return {"model": answer.model, "text": answer.text, "tool_calls": calls}
