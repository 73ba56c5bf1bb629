"""Saving by lever over time as stacked bars: the geometry, in a box of 1,000 by 1,000."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from penstock.ledger.by_lever import SavedBy

SIZE = 1000
"""Width and height of the box."""

MOST_BARS = 48
"""Bars of a chart at most."""

STEPS_S = (60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
"""Lengths of time that a bar can stand for, seconds."""

_GAP = 0.15  # of a bar's room


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One lever's part of one bar.

    Attributes:
        lever: whose saving it is.
        x: and the next three: its place and size in the box, y downwards.
        at: start of the bar's time, seconds since the epoch.
        amount: picodollars; below the line when negative.
    """

    lever: str
    x: float
    y: float
    width: float
    height: float
    at: float
    amount: int


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Stacked bars.

    Attributes:
        blocks: from left to right.
        zero: y of the line between savings and losses.
        top: amount at the upper edge, picodollars; bottom: at the lower edge, 0 or negative.
        first: start of the first bar, seconds since the epoch; last: end of the last one.
        step: seconds that a bar stands for.
    """

    blocks: tuple[Block, ...]
    zero: float
    top: int
    bottom: int
    first: float
    last: float
    step: int


def step_of(seconds: float) -> int:
    """The shortest length for a bar that keeps a time to ``MOST_BARS``; the longest one where none does."""
    return next((step for step in STEPS_S if seconds / step < MOST_BARS - 1), STEPS_S[-1])


def chart_of(bars: Mapping[int, SavedBy], step: int, levers: Sequence[str]) -> Chart | None:
    """The chart of sums by bar number (start over ``step``); None where nothing was saved or lost.

    Args:
        bars: sums over calls; numbers without an entry are bars of nothing.
        step: seconds of a bar.
        levers: from the line outwards.
    """
    sums = {number: _heights(saved) for number, saved in bars.items()}
    top = max((up for up, _ in sums.values()), default=0)
    bottom = min((down for _, down in sums.values()), default=0)
    if top == bottom:
        return None
    start, end = min(bars), max(bars) + 1
    scale, room = SIZE / (top - bottom), SIZE / (end - start)
    blocks: list[Block] = []
    for number, saved in sorted(bars.items()):
        up = down = 0
        for lever in levers:
            amount = saved.by_lever.get(lever, 0)
            if not amount:
                continue
            edge = up + amount if amount > 0 else down
            blocks.append(
                Block(
                    lever=lever,
                    x=(number - start + _GAP / 2) * room,
                    y=(top - edge) * scale,
                    width=room * (1 - _GAP),
                    height=abs(amount) * scale,
                    at=float(number * step),
                    amount=amount,
                )
            )
            up, down = (up + amount, down) if amount > 0 else (up, down + amount)
    return Chart(
        blocks=tuple(blocks),
        zero=top * scale,
        top=top,
        bottom=bottom,
        first=float(start * step),
        last=float(end * step),
        step=step,
    )


def _heights(saved: SavedBy) -> tuple[int, int]:
    amounts = saved.by_lever.values()
    return sum(one for one in amounts if one > 0), sum(one for one in amounts if one < 0)
