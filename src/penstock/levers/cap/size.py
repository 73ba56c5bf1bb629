"""The size of a cap: a fixed number, a declared kind, or ceil(multiplier x the expected size) from what was seen.

declared    the policy's ``max_output``, or the preset of its ``output`` kind
learnt      ceil(multiplier x U), U the upper tolerance bound of the task's lengths (statistics 4): all but 1% of
answers from 299 whole answers on, all but 5% from 59 on, fewer give no cap
headroom    where reasoning, tool calls or JSON would be cut, 1.5 x more, and only from what was seen (T26)
raised      1.5 x more while our caps are seen to cut more answers than they may
"""

from __future__ import annotations

import math

import msgspec

from penstock.evidence.lengths import Bound, Lengths
from penstock.policy.kinds import preset_tokens
from penstock.policy.schema import CapPolicy
from penstock.unknown import Unknown

HEADROOM = 1.5
RAISE = 1.5
_SHARES = (0.01, 0.05)
"""Shares of answers that may be longer, strictest first; the strictest that the count of answers allows is taken."""


class Size(msgspec.Struct, frozen=True):
    """A cap and its arithmetic.

    Attributes:
        tokens: the cap.
        base: the length that it is a multiple of; runaways are told by it.
        why: the arithmetic, one line.
    """

    tokens: int
    base: int
    why: str


def size_of(policy: CapPolicy, lengths: Lengths | None, *, guard: str | None, budget: int) -> Size | Unknown:
    """The cap for a request, or why there is none.

    Args:
        policy: the task's.
        lengths: what was observed for the task, model and effort; None for nothing.
        guard: why a cut answer would be worthless, or None.
        budget: the request's thinking budget, tokens.
    """
    bound = learnt_bound(policy, lengths)
    declared = policy.max_output or preset_tokens(policy.output or "")
    if declared is not None and guard is None:
        return _raised(Size(declared, declared, _said(policy, declared)), policy, lengths)
    if isinstance(bound, Unknown):
        return Unknown(f"{guard}, and {bound.why}" if guard is not None else bound.why)
    tokens = math.ceil(policy.multiplier * bound.tokens * (HEADROOM if guard is not None else 1.0))
    why = (
        f"{policy.multiplier:g} x {bound.tokens:,}, which all but {bound.share:.0%} of {bound.answers:,} answers "
        f"stay within"
    )
    if guard is not None:
        why += f", x {HEADROOM:g} because {guard}"
    floor = max(declared or 0, budget + bound.tokens if budget else 0)
    if floor > tokens:
        tokens, why = floor, f"{why}, raised to {floor:,} for the thinking budget or the declared size"
    return _raised(Size(tokens, bound.tokens, why), policy, lengths)


def learnt_bound(policy: CapPolicy, lengths: Lengths | None) -> Bound | Unknown:
    """The upper tolerance bound at the strictest share that the answers allow."""
    if lengths is None or lengths.count < policy.min_calls:
        seen = 0 if lengths is None else lengths.count
        return Unknown(f"{seen} answers were seen and {policy.min_calls} are needed")
    bound: Bound | Unknown = Unknown("no share to bound")
    for share in sorted({policy.truncation, *(one for one in _SHARES if one >= policy.truncation)}):
        bound = lengths.upper_bound(share)
        if isinstance(bound, Bound):
            return bound
    return bound


def _said(policy: CapPolicy, declared: int) -> str:
    if policy.max_output is not None:
        return f"the policy's max_output of {declared:,}"
    return f'the preset for "{policy.output}"'


def _raised(size: Size, policy: CapPolicy, lengths: Lengths | None) -> Size:
    if lengths is None or not lengths.too_often_cut(policy.truncation):
        return size
    tokens = math.ceil(size.tokens * RAISE)
    why = f"{size.why}, x {RAISE:g} because it cut {lengths.ours_cut} of {lengths.ours} answers"
    return msgspec.structs.replace(size, tokens=tokens, why=why)
