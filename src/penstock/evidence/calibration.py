"""What the provider counts for a token that we estimated, per model, with an error band.

Estimates are cheap and biased; the provider's usage is the truth. The ratio of the two totals corrects the next
estimate, and the spread of the single ratios is the estimate's error band. Everything is counts and whole sums, so
that two summaries merge exactly in any order.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from penstock.evidence.growth import grown

_STEP = math.log(1.01)
_WIDEST = 500
_ENOUGH = 20
_UNMEASURED = (0.5, 2.0)


class Ratio(msgspec.Struct):
    """Provider tokens against estimated tokens for one model.

    Attributes:
        provider: sum of the provider's prompt totals.
        estimated: sum of our uncorrected estimates for the same prompts, each rounded to a whole token.
        steps: log-ratio of one call in steps of 1 percent -> calls; cut off at 500 steps (a factor of 145).
    """

    provider: int = 0
    estimated: int = 0
    steps: dict[int, int] = msgspec.field(default_factory=dict)

    def add(self, provider: int, estimated: float) -> None:
        """Count one call; calls without a prompt or an estimate say nothing and are passed over."""
        whole = round(estimated)
        if provider <= 0 or whole <= 0:
            return
        self.provider += provider
        self.estimated += whole
        step = max(-_WIDEST, min(_WIDEST, round(math.log(provider / whole) / _STEP)))
        self.steps[step] = self.steps.get(step, 0) + 1

    def merge(self, other: Ratio) -> None:
        """Add another summary's sums and counts to this one's."""
        self.provider += other.provider
        self.estimated += other.estimated
        for step, count in other.steps.items():
            self.steps[step] = self.steps.get(step, 0) + count

    def advance(self, earlier: Ratio, now: Ratio) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        self.provider = grown(self.provider, earlier.provider, now.provider)
        self.estimated = grown(self.estimated, earlier.estimated, now.estimated)
        for step, count in now.steps.items():
            self.steps[step] = grown(self.steps.get(step, 0), earlier.steps.get(step, 0), count)

    @property
    def calls(self) -> int:
        """Calls behind the ratio."""
        return sum(self.steps.values())

    @property
    def factor(self) -> float:
        """What to multiply an estimate by: the ratio of the sums, shrunk to 1 as if by 200 tokens; 1.0 unseen.

        Rounded to 1 percent, so that corrected counts of an unchanged prefix stay the same from call to call.
        """
        if self.estimated == 0:
            return 1.0
        return round((self.provider + 200) / (self.estimated + 200), 2) or 0.01

    def band(self, share: float = 0.9) -> tuple[float, float]:
        """The range that holds ``share`` of the calls' ratios; (0.5, 2.0) before any call was seen."""
        calls = self.calls
        if calls == 0:
            return _UNMEASURED
        tail = (1.0 - share) / 2
        return self._quantile(tail, calls), self._quantile(1.0 - tail, calls)

    def _quantile(self, at: float, calls: int) -> float:
        reached = 0
        for step in sorted(self.steps):
            reached += self.steps[step]
            if reached >= at * calls:
                return math.exp(step * _STEP)
        return math.exp(max(self.steps) * _STEP)


class Calibration(msgspec.Struct):
    """Ratios by model."""

    by_model: dict[str, Ratio] = msgspec.field(default_factory=dict)

    def factor(self, model: str) -> float:
        """The correction for a model; 1.0 for one that was never seen."""
        ratio = self.by_model.get(model)
        return 1.0 if ratio is None else ratio.factor

    def together(self, one: str, other: str) -> bool:
        """Whether both models were measured enough for their corrections to be compared with each other.

        A correction holds what is odd about a model and what is odd about its texts; against an unmeasured model the
        latter would be taken for a difference of tokenizers.
        """
        if one == other:
            return True
        return all(self.by_model.get(model, Ratio()).calls >= _ENOUGH for model in (one, other))

    def band(self, model: str) -> tuple[float, float]:
        """The error band of a model's estimates, as factors."""
        return self.by_model.get(model, Ratio()).band()

    def add(self, model: str, provider: int, estimated: float) -> None:
        """Count one call."""
        self.by_model.setdefault(model, Ratio()).add(provider, estimated)

    def merge(self, other: Calibration) -> None:
        """Add another summary to this one."""
        for model, ratio in other.by_model.items():
            self.by_model.setdefault(model, Ratio()).merge(ratio)

    def advance(self, earlier: Calibration, now: Calibration) -> None:
        """Add what was counted since an earlier state (``evidence.growth``)."""
        for model, ratio in now.by_model.items():
            self.by_model.setdefault(model, Ratio()).advance(earlier.by_model.get(model, Ratio()), ratio)

    def to_builtins(self) -> Any:
        """Plain lists and numbers for JSON."""
        return {m: [r.provider, r.estimated, sorted(r.steps.items())] for m, r in sorted(self.by_model.items())}

    @classmethod
    def from_builtins(cls, value: Any) -> Calibration:
        """The summary that ``to_builtins`` described; ValueError or a subclass for anything else."""
        return cls(
            {
                model: Ratio(int(provider), int(estimated), {int(step): int(n) for step, n in steps})
                for model, (provider, estimated, steps) in value.items()
            }
        )
