"""Calls whose answers are simulated, told by the provider's own header or the caller's tag, and said in every view."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.engine.labels import SIMULATED


def tags_with_mark(tags: Mapping[str, str], *, simulated: bool) -> dict[str, str]:
    """A call's tags, with the mark of simulated answers where they are."""
    return {**tags, SIMULATED: SIMULATED} if simulated else dict(tags)


def simulated_words(count: int, of: int) -> str:
    """One sentence on how many of some calls have simulated answers; empty for none."""
    if not count:
        return ""
    calls = "1 call has" if of == 1 else f"{of:,} calls have"
    which = "the " if of == 1 else "all " if count == of else f"{count:,} of "
    return f"Simulated: {which}{calls} simulated answers, billed by the documented rules; nothing was paid for them."
