"""The easy part of a task: a model of difficulty, a certified threshold, and two watches over what it lets through.

Of the scored pairs every other one trains the model, and the rest, which it has never seen, certify the threshold
(``certify``). Needs the ``learn`` extra.

A part is looked for when 200, 400, 800 and 1,600 pairs are there, and after every 1,600 more; the evidence of the k-th
look is weighed by ``1 / (k (k + 1))``, which adds up to 1. Looking again at the same pairs is the same look.

How much evidence is enough is for the caller to say, who knows what else is tested: an easy part is one hypothesis
among the gates of all tasks. That it is chosen among many thresholds by the same data does not matter. Let ``E`` be the
evidence for the first threshold of the sequence that is truly bad, which is an e-value. A claim is false only when it
goes as far as that threshold, and it goes so far only when ``E`` reaches the bar, ``T / (k alpha)`` for k claims among
T hypotheses. The expected share of false claims is then at most the sum of ``alpha E[E] / T`` over the hypotheses,
which is ``alpha``: the argument of e-BH, word by word (see ``ebh``).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log
from typing import NamedTuple

from penstock.evidence.certify import Step, furthest, sequence, steps_of
from penstock.evidence.confidence import ScoreCounts
from penstock.evidence.detector import DropDetector, paired_baseline
from penstock.evidence.difficulty import MOST_LABELS, Difficulty, train
from penstock.evidence.features import Features
from penstock.evidence.gate import Terms

FIRST_LOOK, WIDEST = 200, 1600
"""Pairs at the first look, and between two looks in the long run."""

_LEAST_SHARE = 0.02  # of prompts; less is not worth watching


class Label(NamedTuple):
    """One scored pair.

    Attributes:
        features: of the prompt.
        difference: the candidate's score minus the reference's, in [-1, 1].
        accepted: whether the candidate's answer passed the free checks.
    """

    features: Features
    difference: float
    accepted: bool


class Look(NamedTuple):
    """A look at a task's pairs.

    Attributes:
        number: 1 for the first.
        pairs: how many had been scored by then; the newest ``MOST_LABELS`` of them are used.
    """

    number: int
    pairs: int


def latest_look(pairs: int) -> Look | None:
    """The look that is due when so many pairs were scored; None before the first."""
    number, at = 0, FIRST_LOOK
    found = None
    while at <= pairs:
        number += 1
        found = Look(number, at)
        at += min(at, WIDEST)
    return found


class EasyPart:
    """What may be easy, what is claimed to be, and a watch over it.

    Attributes:
        log_e: natural log of the weighed evidence for the smallest part that is worth having.
        share: of prompts that are claimed to be easy; 0.0 before ``claim``.
        alarm: why it must no longer serve, or None.
    """

    def __init__(
        self, model: Difficulty, steps: Sequence[Step], labels: Sequence[Label], task: str, terms: Terms
    ) -> None:
        counts = ScoreCounts()
        for label in labels:
            counts.observe(1.0 if label.accepted else 0.0)
        usual = counts.lower(terms.floor_alpha) - terms.free_tolerance
        first = next((index for index, step in enumerate(steps) if step.share >= _LEAST_SHARE), None)
        self.log_e = -inf if first is None else steps[first].log_e
        self.share = 0.0
        self._steps = () if first is None else steps[first:]
        self._threshold: float | None = None
        self.alarm: str | None = None
        self._model = model
        self._task = task
        self._run_length = terms.run_length
        self._paired = DropDetector(baseline=paired_baseline(terms.margin))
        self._free = DropDetector(baseline=min(0.999, max(0.5, usual)))

    def claim(self, bar: float) -> float:
        """Claim as much as evidence of at least ``bar`` (natural log) stands behind; the share of prompts claimed."""
        found = furthest(self._steps, bar)
        self._threshold, self.share = (None, 0.0) if found is None else (found.threshold, found.share)
        return self.share

    def serves(self, features: Features) -> bool:
        """Whether a prompt is claimed to be easy."""
        threshold = self._threshold
        return threshold is not None and self._model.predict(self._task, features) >= threshold

    def pair(self, features: Features, difference: float) -> None:
        """Watch a pair: what is not easy costs no score."""
        lost = difference if self.serves(features) else 0.0
        self._watch(self._paired, (lost + 1.0) / 2.0, "paired scores of easy prompts fell")

    def served(self, *, accepted: bool) -> None:
        """Watch an easy prompt's answer."""
        self._watch(self._free, 1.0 if accepted else 0.0, "more answers to easy prompts fail their checks")

    def _watch(self, detector: DropDetector, score: float, why: str) -> None:
        detector.observe(score)
        if detector.value >= self._run_length:
            self.alarm = why


def find_easy(task: str, labels: Sequence[Label], look: Look, terms: Terms) -> EasyPart:
    """The easy part of a task with the evidence for it; nothing is claimed yet.

    Args:
        task: name or fingerprint.
        labels: the pairs of the look, oldest first.
        look: which look this is.
        terms: margin, alpha and watch of the task's gate.
    """
    used = labels[-MOST_LABELS:]
    training, held = used[::2], used[1::2]
    trained = train([task] * len(training), [one.features for one in training], [one.difference for one in training])
    weight = -log(look.number * (look.number + 1))
    steps = steps_of(
        [trained.model.predict(task, one.features) for one in held],
        [one.difference for one in held],
        sequence(trained.left_out, [one.difference for one in training]),
        margin=terms.margin,
        alpha=terms.alpha * exp(weight),
    )
    weighed = [step._replace(log_e=step.log_e + weight) for step in steps]
    return EasyPart(trained.model, weighed, used, task, terms)
