"""The prompt-cache rules as one state machine.

    admission = admit(state, prompt, at)       the request starts: what is read, written and plain, or Rejected
    begin(state, admission, at)                its response begins: what it wrote becomes readable, what it read is
                                               refreshed; a request that fails before never gets here

``admit`` changes nothing, so a planner may ask it what would happen. Requests are admitted in order of their start; a
caller that has no clock of its own may call ``begin`` right after ``admit`` with the later time at which the response
begins, and entries stay unreadable until then.
"""

from __future__ import annotations

from penstock.cachemodel import anthropic, openai_breakpoints, openai_grid
from penstock.cachemodel.admission import DEFAULTS, Admission, Decisions, Entry, Rejected, Split
from penstock.cachemodel.overflow import record_arrival
from penstock.cachemodel.prompt import Prompt
from penstock.cachemodel.store import CacheState, Life
from penstock.models.profile import Regime

__all__ = ["DEFAULTS", "Admission", "CacheState", "Decisions", "Entry", "Rejected", "Split", "admit", "begin"]

_RULES = {
    Regime.ANTHROPIC: anthropic.admit,
    Regime.OPENAI_GRID: openai_grid.admit,
    Regime.OPENAI_BREAKPOINTS: openai_breakpoints.admit,
}


def admit(state: CacheState, prompt: Prompt, at: float) -> Admission:
    """What the cache does with a request that starts at ``at`` (seconds).

    Raises:
        Rejected: the provider refuses the request for its cache fields.
    """
    rules = _RULES.get(prompt.regime)
    if rules is None:
        return Admission(regime=prompt.regime, at=at, split=Split(plain=prompt.tokens))
    return rules(state, prompt, at)


def begin(state: CacheState, admission: Admission, at: float) -> None:
    """The response of an admitted request begins at ``at``: its entries are stored, readable from now on.

    They age from the start of the request, not from here.
    """
    if admission.stream is not None:
        record_arrival(state, admission.stream, admission.at)
    for entry in admission.entries:
        state.put(entry.root, entry.steps, Life(entry.ttl, admission.at, at, entry.lifetime_s))
    state.sweep_if_due(admission.at)
