"""Token counts per segment for recorded prompts: the provider's totals, shared out so that they agree across calls.

A call's reported total is truth. What a segment counted in an earlier call is kept, so in a growing conversation each
turn's new segments get exactly what the total grew by; only the first sight of several segments at once is shared out
by estimate. A prompt that an edit changed has no reported total: its known segments keep their counts, and its new
ones are estimated and corrected by the model's calibration.
"""

from __future__ import annotations

from collections.abc import Sequence

from penstock.models.catalog import profile_of
from penstock.models.profile import Profile
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.estimate import estimate_tokens, share_out
from penstock.wire.segments import Segment
from penstock.wire.usage import Usage
from penstock.wire.view import View

_UNKNOWN_FAMILY = ""


class TokenBook:
    """Counts that were learnt from reported totals, per model and segment."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], int] = {}
        self._told: dict[str, float] = {}
        self._estimated: dict[str, float] = {}

    def learn(self, view: View, usage: Usage) -> list[int]:
        """Counts of a recorded prompt's segments; they sum to the prompt tokens that the provider told.

        What was read and written ends at the last marker (provider-semantics 1.4, rule 4), so a request that carries
        markers tells two totals: up to there, and after it.
        """
        segments = view.segments
        if not segments:
            return []
        total, cached = usage.input_total, usage.input_total - usage.input_uncached
        weights = _estimates(segments, profile_of(view.model))
        self._told[view.model] = self._told.get(view.model, 0.0) + total
        self._estimated[view.model] = self._estimated.get(view.model, 0.0) + sum(weights)
        marked = [index for index, segment in enumerate(segments) if segment.marker is not None]
        cut = marked[-1] + 1 if marked and cached and view.automatic_marker is None else 0
        if not 0 < cut < len(segments) or view.dialect is not Dialect.ANTHROPIC_MESSAGES:
            return self._share(view.model, segments, weights, total)
        before = self._share(view.model, segments[:cut], weights[:cut], cached)
        return before + self._share(view.model, segments[cut:], weights[cut:], total - cached)

    def _share(self, model: str, segments: Sequence[Segment], weights: Sequence[float], total: int) -> list[int]:
        """A known total over segments: what is known stays, the rest is shared by estimate."""
        known = [self._known.get((model, segment.digest)) for segment in segments]
        rest = total - sum(count for count in known if count is not None)
        new = [index for index, count in enumerate(known) if count is None]
        if rest < 0 or (rest > 0 and not new):
            return share_out(total, weights)  # the book contradicts this call: it is told only its own total
        shares = share_out(rest, [weights[index] for index in new])
        counts = [0 if count is None else count for count in known]
        for index, share in zip(new, shares, strict=True):
            counts[index] = share
            self._known[(model, segments[index].digest)] = share
        return counts

    def counts(self, view: View, source_model: str) -> list[int]:
        """Counts of a prompt that edits made from one of ``source_model``, perhaps for another model."""
        source, target = profile_of(source_model), profile_of(view.model)
        factor = tokenizer_ratio(source_model, view.model)
        correction = self._told.get(source_model, 0.0) / (self._estimated.get(source_model) or 1.0) or 1.0
        base = source if isinstance(target, Unknown) else target
        weights = _estimates(view.segments, base)
        known = [self._known.get((source_model, segment.digest)) for segment in view.segments]
        return [
            round(weight * correction) if count is None else round(count * factor)
            for count, weight in zip(known, weights, strict=True)
        ]


def tokenizer_ratio(source: str, target: str) -> float:
    """Tokens of a text under the target model for one under the source's; 1 when either model is unknown (T16)."""
    before, after = profile_of(source), profile_of(target)
    if isinstance(before, Unknown) or isinstance(after, Unknown):
        return 1.0
    return after.tokenizer_factor / before.tokenizer_factor


def _estimates(segments: Sequence[Segment], profile: Profile | Unknown) -> list[float]:
    family = _UNKNOWN_FAMILY if isinstance(profile, Unknown) else profile.tokenizer
    return [estimate_tokens(segment, family) for segment in segments]
