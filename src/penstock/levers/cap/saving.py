"""What a cap saves: runaways cut short, less the answers that it cuts by mistake. Often negative; then it is not set.

An answer longer than the cap is generated up to the cap, paid for, and asked for again without one. A runaway (more
than four times the cap's base: its end was a limit, not its own) then ends at the mean; any other answer is as long as
it was, so that the first try was spent for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from penstock.evidence.lengths import Lengths

RUNAWAY = 4


def expected_saving(lengths: Lengths, cap: int, runaway: int, *, output_rate: int, retry_input: int) -> int:
    """Picodollars per call, rounded down.

    Args:
        lengths: what was observed.
        cap: in output tokens.
        runaway: lengths above this are runaways.
        output_rate: picodollars per output token.
        retry_input: what the prompt of a second try costs, picodollars.
    """
    mean = _mean_below(lengths, runaway)
    total = 0
    for length, count in _observed(lengths):
        if length > cap:
            again = mean if length > runaway else length
            total += count * ((length - cap - again) * output_rate - retry_input)
    return total // max(lengths.count, 1)


def longest_own_end(lengths: Lengths, runaway: int) -> int:
    """The longest answer that is not a runaway; 0 when there is none."""
    return max((length for length, _ in _observed(lengths) if length <= runaway), default=0)


def _observed(lengths: Lengths) -> Iterator[tuple[int, int]]:
    yield from lengths.whole.items()
    yield from lengths.cut.items()


def _mean_below(lengths: Lengths, runaway: int) -> int:
    pairs = [(length, count) for length, count in _observed(lengths) if length <= runaway]
    answers = sum(count for _, count in pairs)
    return sum(length * count for length, count in pairs) // answers if answers else 0
