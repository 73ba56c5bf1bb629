"""What a call would have cost as the client sent it, with the caching that it already had (T18).

The cache model foresees how the client's bytes split into read, written and plain in the world without us. Its counts
are estimates; the provider's count of the call is the truth, and is shared out over that split:

- Same prompt (marks, caps, keys): the boundaries that the provider reported are the boundaries that were foreseen for
  what was sent, so estimated positions are brought to the provider's by a line from boundary to boundary. Where both
  worlds foresee the same split, the baseline is exactly what was paid.
- Other prompt or other tokenizer: the total is brought back by the ratio of the two estimates, and the split with it.

The answer counts as it was: the same output tokens. Another model's answer does not tell how long the client's model
would have thought and written, so for a routed call the mean of what that model was seen to answer counts, if it was
seen at all.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

import msgspec

from penstock.cachemodel.admission import Admission, Split
from penstock.engine.attempt import Attempt, cost_at
from penstock.engine.facts import compared
from penstock.engine.plan import Plan
from penstock.models.profile import Regime
from penstock.money import Picodollars
from penstock.unknown import Unknown
from penstock.wire.estimate import share_out
from penstock.wire.usage import Basis, Usage
from penstock.wire.view import View

_GRID = 128

Before = tuple[Picodollars | None, Basis]
"""A cost, or None when it is not known, and where it comes from."""


def cost_before(plan: Plan, attempt: Attempt, foreseen: Admission | None, actual: Admission | None) -> Before:
    """What the client's request would have cost.

    Args:
        plan: the call's plan.
        attempt: the one whose answer the caller got.
        foreseen: of the client's bytes in the world without us, or None.
        actual: of the bytes that were sent, in the world as it is, or None.
    """
    sent = attempt.view if attempt.view is not None else plan.view
    same = same_prompt(plan.view, sent)
    if same and (foreseen is None or actual is None or foreseen.split == actual.split):
        if sent is plan.view:
            return attempt.cost, Basis.PROVIDER
        return (attempt.cost if foreseen is not None else None), Basis.DERIVED
    if foreseen is None or attempt.usage is None or attempt.cost is None:
        return None, Basis.DERIVED
    if same and actual is not None:
        usage = as_measured(foreseen, actual.split, attempt.usage)
    else:
        mine, theirs = compared(plan.view, sent, plan.facts.evidence)
        counted = round(attempt.usage.input_total * mine / max(theirs, 1))
        usage = as_foreseen(foreseen, counted, attempt.usage)
        usage = _answered_by_its_own_model(usage, plan, sent)
    return cost_at(plan.view.model, usage, attempt.sent.started_at, attempt.tier), Basis.DERIVED


def _answered_by_its_own_model(usage: Usage, plan: Plan, sent: View) -> Usage:
    expected = plan.facts.expected_output(plan.view) if sent.model != plan.view.model else usage.output
    return usage if isinstance(expected, Unknown) else msgspec.structs.replace(usage, output=expected)


def same_prompt(view: View, other: View) -> bool:
    """Whether two requests put the same text before the same model; markers and parameters may differ."""
    if view is other:
        return True
    mine, theirs = view.segments, other.segments
    if view.model != other.model or bool(mine) != bool(theirs):
        return False
    return not mine or mine[-1].prefix == theirs[-1].prefix


def as_foreseen(admission: Admission, counted: int, answered: Usage) -> Usage:
    """A foreseen split brought to a prompt total in proportion, with the answer's output; sums to ``counted``."""
    return _usage(admission, share_out(counted, _ordered(admission.split)), answered)


def as_measured(admission: Admission, sent: Split, answered: Usage) -> Usage:
    """A foreseen split at the positions that the provider measured for another split of the same prompt.

    Args:
        admission: whose split is wanted.
        sent: the split that was foreseen for what was sent.
        answered: what the provider reported for it; the result's prompt has the same total.
    """
    reported = Split(
        plain=answered.input_uncached,
        read=answered.cache_read,
        write_5m=answered.cache_write_5m,
        write_1h=answered.cache_write_1h,
        write_30m=answered.cache_write_30m,
        write_12h=answered.cache_write_12h,
    )
    guessed, told = _ends(sent), _ends(reported)
    anchors = [(0, 0)]
    for guess, true in zip(guessed, told, strict=True):
        if guess > anchors[-1][0] and true > anchors[-1][1]:
            anchors.append((guess, true))
    if anchors[-1] != (guessed[-1], told[-1]):
        return as_foreseen(admission, answered.input_total, answered)
    ends = [_along(anchors, end) for end in _ends(admission.split)]
    ends[-1] = told[-1]
    parts = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    return _usage(admission, parts, answered)


def _ordered(split: Split) -> tuple[int, ...]:
    """The parts in the order in which they stand in a prompt (provider-semantics 1.4, rule 4)."""
    return (split.read, split.write_1h, split.write_5m, split.write_12h, split.write_30m, split.plain)


def _ends(split: Split) -> list[int]:
    return list(accumulate(_ordered(split)))


def _along(anchors: list[tuple[int, int]], position: int) -> int:
    """The true position of an estimated one, on the line between the anchors around it."""
    after = min(bisect_left(anchors, (position, 0)), len(anchors) - 1)
    if after == 0:
        return anchors[0][1]
    (x0, y0), (x1, y1) = anchors[after - 1], anchors[after]
    return min(y0 + round((position - x0) * (y1 - y0) / (x1 - x0)), anchors[-1][1])


def _usage(admission: Admission, parts: list[int], answered: Usage) -> Usage:
    read, write_1h, write_5m, write_12h, write_30m, plain = parts
    if admission.regime is Regime.OPENAI_GRID:
        plain, read = plain + read % _GRID, read - read % _GRID
    return Usage(
        input_uncached=plain,
        cache_read=read,
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        cache_write_30m=write_30m,
        cache_write_12h=write_12h,
        output=answered.output,
        output_reasoning=answered.output_reasoning,
        web_searches=answered.web_searches,
        basis=Basis.DERIVED,
    )
