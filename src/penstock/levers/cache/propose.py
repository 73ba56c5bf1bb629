"""The cache lever: by the cache regime of the request's model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from penstock.engine.edit import Edit, Note
from penstock.engine.facts import Facts
from penstock.levers.cache import anthropic, breakpoints, grid
from penstock.models.profile import Regime
from penstock.unknown import Unknown
from penstock.wire.view import View

_BY_REGIME: Mapping[Regime, Callable[[View, Facts], list[Edit | Note]]] = {
    Regime.ANTHROPIC: anthropic.propose,
    Regime.OPENAI_BREAKPOINTS: breakpoints.propose,
    Regime.OPENAI_GRID: grid.propose,
}


def propose(view: View, facts: Facts) -> list[Edit | Note]:
    """Markers, breakpoints or keys that are expected to pay.

    Nothing for a model that we do not know (T4), nor where the provider does not behave like the cache model.
    """
    if isinstance(facts.profile, Unknown) or not facts.policy.cache.enabled:
        return []
    drifted = facts.evidence.drift.standing(facts.profile.model, facts.now)
    if drifted is not None:
        return [Note("cache", drifted)]
    lever = _BY_REGIME.get(facts.profile.regime)
    return lever(view, facts) if lever is not None else []
