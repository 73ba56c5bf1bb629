"""The easy part of a task: a model of difficulty, a certified threshold, and two watches over what it lets through.

Of the scored pairs every other one trains the model, and the rest, which it has never seen, certify the threshold
(``certify``). Needs the ``learn`` extra.

A part is looked for when 200, 400, 800 and 1,600 pairs are there, and after every 1,600 more; the k-th look may err
with probability ``alpha / (k (k + 1))``, which adds up to ``alpha``. Looking again at the same pairs is the same look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from penstock.evidence.certify import Certificate, certify, sequence
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
    """What was certified, under watch.

    Attributes:
        certificate: the threshold and what it promises.
        alarm: why it must no longer serve, or None.
    """

    def __init__(
        self, model: Difficulty, certificate: Certificate, labels: Sequence[Label], task: str, terms: Terms
    ) -> None:
        counts = ScoreCounts()
        for label in labels:
            counts.observe(1.0 if label.accepted else 0.0)
        usual = counts.lower(terms.floor_alpha) - terms.free_tolerance
        self.certificate = certificate
        self.alarm: str | None = None
        self._model = model
        self._task = task
        self._run_length = terms.run_length
        self._paired = DropDetector(baseline=paired_baseline(terms.margin))
        self._free = DropDetector(baseline=min(0.999, max(0.5, usual)))

    def serves(self, features: Features) -> bool:
        """Whether a prompt is easy."""
        threshold = self.certificate.threshold
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


def find_easy(task: str, labels: Sequence[Label], look: Look, terms: Terms) -> EasyPart | None:
    """The easy part of a task, or None when none of it can be certified.

    Args:
        task: name or fingerprint.
        labels: the pairs of the look, oldest first.
        look: which look this is.
        terms: margin, alpha and watch of the task's gate.
    """
    used = labels[-MOST_LABELS:]
    training, held = used[::2], used[1::2]
    trained = train([task] * len(training), [one.features for one in training], [one.difference for one in training])
    certificate = certify(
        [trained.model.predict(task, one.features) for one in held],
        [one.difference for one in held],
        sequence(trained.left_out, [one.difference for one in training]),
        margin=terms.margin,
        alpha=terms.alpha / (look.number * (look.number + 1)),
    )
    if certificate.threshold is None or certificate.share < _LEAST_SHARE:
        return None
    return EasyPart(trained.model, certificate, used, task, terms)
