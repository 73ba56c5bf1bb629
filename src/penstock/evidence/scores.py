"""How a cheaper model's answer compares with the reference's: the first rule that applies.

    the candidate fails a free check, the reference passes       difference -1
    the reference fails a free check                             difference 0: whatever is right, it is not less right
    equal as JSON, as tool calls, or as text but for white space difference 0
    the user's grader, where there is one                        its two scores
    both structured                                              F1 over their fields, minus 1
    a judge model, where there is one                            -1, 0 or 1
    else                                                         difference -1: any disagreement counts as a loss

Without grader and judge every difference is a lower bound of "candidate's score minus reference's", so a candidate can
win nothing by it: what is certified is that it disagrees to its loss no more often than the margin (statistics 2.2).
The same bound stands in for a grade that did not come: leaving such pairs out would leave out disagreements only, and
a grader that is down would promote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

from penstock.wire.answer import Answer

_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_BROKEN = object()
_MOST_LEAVES = 1_000
_Leaf = tuple[tuple[str | int, ...], str, object]


class PairScore(msgspec.Struct, frozen=True):
    """One call that both models answered.

    Attributes:
        difference: the candidate's score minus the reference's in [-1, 1], or a lower bound of it.
        reference: the reference's own score: the grader's, else 1 when it passes the free checks and no judge
            preferred the candidate, else 0; None when a grade did not come.
        accepted: whether the candidate's answer passes the free checks.
        rule: what decided: ``validity``, ``equal``, ``fields``, ``differ``, ``grader``, ``judge`` or ``ungraded``.
    """

    difference: float
    reference: float | None
    accepted: bool
    rule: str

    @property
    def known(self) -> bool:
        """Whether the pair was scored; else the difference is a bound in the place of a grade that did not come."""
        return self.rule != "ungraded"


def pair_score(
    reference: Answer, candidate: Answer, *, reference_passes: bool = True, candidate_passes: bool = True
) -> PairScore:
    """The score of a pair of answers to one request.

    Args:
        reference: the stronger model's answer.
        candidate: the cheaper model's.
        reference_passes: whether the reference's answer passes the checks that the request implies (schema, tools).
        candidate_passes: the same for the candidate's. Refusals and cut answers fail in any case.
    """
    passes = reference_passes and not (reference.refused or reference.truncated)
    accepted = candidate_passes and not (candidate.refused or candidate.truncated)
    if not passes:
        return PairScore(0.0, 0.0, accepted, "validity")
    if not accepted:
        return PairScore(-1.0, 1.0, accepted, "validity")
    left, right = said(reference), said(candidate)
    if left is None or right is None:
        if left is right and plain(reference.text) == plain(candidate.text):
            return PairScore(0.0, 1.0, accepted, "equal")
        return PairScore(-1.0, 1.0, accepted, "differ")
    similarity = field_f1(left[0], right[0])
    if similarity == 1.0:
        return PairScore(0.0, 1.0, accepted, "equal")
    if isinstance(left[0], dict | list) and isinstance(right[0], dict | list):
        return PairScore(similarity - 1.0, 1.0, accepted, "fields")
    return PairScore(-1.0, 1.0, accepted, "differ")


def graded(score: PairScore, reference: float, candidate: float, rule: str) -> PairScore:
    """The score of a pair by a grader's two scores, each in [0, 1]."""
    return PairScore(candidate - reference, reference, score.accepted, rule)


def ungraded(score: PairScore) -> PairScore:
    """The score of a pair whose grade did not come: the bound without one."""
    return PairScore(score.difference, None, score.accepted, "ungraded")


def said(answer: Answer) -> tuple[Any] | None:
    """What an answer holds as data, in a tuple of one: its tool calls, else its JSON; None for prose."""
    if answer.tool_calls:
        return ([{"name": call.name, "arguments": _arguments(call.arguments)} for call in answer.tool_calls],)
    value = _parsed(answer.text)
    return None if value is _BROKEN else (value,)


def answer_digest(answer: Answer) -> str:
    """32 hex digits that two answers share exactly when they are equal as ``pair_score`` has it."""
    value = said(answer)
    if value is None:
        canonical = f"text {plain(answer.text)}"
    else:
        canonical = "data " + "\n".join(sorted(map(_written, _leaves(value[0]))))
    return blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def field_digests(answer: Answer, key: str) -> tuple[str, ...] | None:
    """8 hex digits for each leaf of a structured answer, by which ``field_f1`` can be told without its text.

    Args:
        answer: None comes back for prose, for a single value, and for more than 1,000 leaves.
        key: mixed into each, so that the digests of two pairs tell nothing about each other.
    """
    value = said(answer)
    if value is None or not isinstance(value[0], dict | list):
        return None
    leaves = list(islice(_leaves(value[0]), _MOST_LEAVES + 1))
    if len(leaves) > _MOST_LEAVES:
        return None
    written = (f"{key}\0{_written(leaf)}".encode("utf-8", "surrogatepass") for leaf in leaves)
    return tuple(sorted(blake2b(one, digest_size=4).hexdigest() for one in written))


def field_f1(left: Any, right: Any) -> float:
    """F1 of two JSON values over their leaves, each at its place; 1 if and only if they are equal as JSON.

    The order of keys does not matter, that of list members does; 1 and 1.0 are equal, 1 and true are not.
    """
    return f1(Counter(_leaves(left)), Counter(_leaves(right)))


def f1(mine: Counter[Any], theirs: Counter[Any]) -> float:
    """F1 of two bags, not both empty."""
    if mine == theirs:
        return 1.0
    shared = sum((mine & theirs).values())
    return 2.0 * shared / (mine.total() + theirs.total())


def plain(text: str) -> str:
    """A text with every run of white space as one blank."""
    return " ".join(text.split())


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[_Leaf]:
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from _leaves(member, (*path, name))
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from _leaves(member, (*path, index))
    elif isinstance(value, dict | list):
        yield path, type(value).__name__, ""
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, "number", value
    else:
        yield path, type(value).__name__, value


def _written(leaf: _Leaf) -> str:
    path, kind, value = leaf
    return repr((path, kind, _whole(value)))


def _whole(leaf: object) -> object:
    """1.0 is written as 1."""
    return int(leaf) if isinstance(leaf, float) and leaf.is_integer() else leaf


def _arguments(text: str) -> Any:
    value = _parsed(text or "{}")
    return text if value is _BROKEN else value


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except _UNREADABLE:
        return _BROKEN
