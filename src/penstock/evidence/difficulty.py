"""How much worse will the cheap model do on this prompt? Learnt from the prompts that both models answered.

The difference of scores is regressed (ridge, in its dual form) on the sum of three similarities of prompts:

* the same task: this alone is the task's mean, shrunk towards the mean of all;
* shared words, word pairs and letter groups, each weighted by its rarity (TF-IDF of what occurs, cosine);
* a similar surface (Gaussian in the standardised features), which is a smooth nearest-neighbour vote.

The strength of the ridge is chosen by the marginal likelihood of the training labels, never by a test. Training takes
seconds and at most ``MOST_LABELS`` labels, and belongs in the background; a prediction takes microseconds. Needs the
``learn`` extra (numpy, scipy).
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from penstock.evidence.features import BITS, GRAMS, SURFACES, Features

MOST_LABELS = 1500
"""Labels that a model is trained on; of more, the newest."""

LEAST_LABELS = 60
"""With fewer there is no model, and every prompt of a task is taken as equally hard."""

TASK_SHARE, TEXT_SHARE, SURFACE_SHARE = 0.3, 1.0, 0.5
"""Prior variances of the three parts, relative to each other."""

RIDGES = (2.0, 5.0, 10.0, 20.0, 50.0, 150.0)
"""Candidates for the variance of the noise, relative to the same."""

_CLIP = 3.0
_WORDS = 1 << BITS

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class Difficulty:
    """A trained model of ``score(candidate) - score(reference)``.

    Attributes:
        mean: mean difference of the training labels.
        labels: number of them.
        ridge: the chosen strength.
        tasks: task -> its part of the prediction.
    """

    def __init__(
        self, *, mean: float, ridge: float, tasks: dict[str, float], text: tuple[Floats, Floats], surface: _Surface
    ) -> None:
        self.mean = mean
        self.ridge = ridge
        self.tasks = tasks
        self.labels = len(surface.weights)
        self._rarity_squared, self._weights = text
        self._surface = surface

    def predict(self, task: str, features: Features) -> float:
        """The expected difference on a prompt, about -1..1; the mean of all labels for what is like nothing known."""
        grams = features.grams
        split = int(np.searchsorted(grams, _WORDS))
        squared, weights = self._rarity_squared[grams], self._weights[grams]
        text = _cosine(squared[:split], weights[:split]) + _cosine(squared[split:], weights[split:])
        return self.mean + self.tasks.get(task, 0.0) + text + self._surface.predict(features.surface)

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values; arrays as base64 of little-endian 32-bit floats."""
        surface = self._surface
        arrays = {
            "rarity_squared": self._rarity_squared,
            "text": self._weights,
            "centre": surface.centre,
            "scale": surface.scale,
            "rows": surface.rows,
            "surface": surface.weights,
        }
        packed = {name: b64encode(array.astype("<f4").tobytes()).decode() for name, array in arrays.items()}
        return {"mean": self.mean, "ridge": self.ridge, "tasks": self.tasks, **packed}

    @classmethod
    def from_builtins(cls, value: dict[str, Any]) -> Difficulty:
        """The model that ``to_builtins`` wrote; KeyError or ValueError for anything else."""

        def array(name: str) -> Floats:
            return np.frombuffer(b64decode(value[name], validate=True), dtype="<f4").astype(np.float32)

        squared, weights = array("rarity_squared"), array("text")
        if len(squared) != GRAMS or len(weights) != GRAMS:
            raise ValueError("a model of other features")
        rows = array("rows").reshape(-1, SURFACES)
        surface = _Surface(array("centre"), array("scale"), rows, array("surface"))
        tasks = {str(task): float(part) for task, part in value["tasks"].items()}
        return cls(
            mean=float(value["mean"]),
            ridge=float(value["ridge"]),
            tasks=tasks,
            text=(squared, weights),
            surface=surface,
        )


class _Surface:
    """The Gaussian part: a weighted vote of the training rows."""

    def __init__(self, centre: Floats, scale: Floats, rows: Floats, weights: Floats) -> None:
        self.centre, self.scale, self.rows, self.weights = centre, scale, rows, weights
        self._norms = np.einsum("ij,ij->i", rows, rows)
        self._doubled = 2.0 * rows

    def standardised(self, surface: Floats) -> Floats:
        standard: Floats = np.clip((surface - self.centre) * self.scale, -_CLIP, _CLIP)
        return standard

    def predict(self, surface: Floats) -> float:
        row = self.standardised(surface)
        distances = self._norms - self._doubled @ row + row @ row
        return float(self.weights @ np.exp(distances * (-0.5 / SURFACES)))


@dataclass(frozen=True)
class Trained:
    """A model and what it would have said of each training prompt had that one been left out."""

    model: Difficulty
    left_out: Doubles


def train(tasks: Sequence[str], features: Sequence[Features], differences: Sequence[float]) -> Trained:
    """Fit a model; of more than ``MOST_LABELS`` examples the last ones are used.

    Args:
        tasks: of each example.
        features: of each example's prompt.
        differences: candidate's score minus reference's, in [-1, 1].

    Raises:
        ValueError: fewer than ``LEAST_LABELS`` examples, or sequences of different lengths.
    """
    if not len(tasks) == len(features) == len(differences):
        raise ValueError("each example has a task, features and a difference")
    if len(tasks) < LEAST_LABELS:
        raise ValueError(f"at least {LEAST_LABELS} labels are needed")
    tasks, features = list(tasks)[-MOST_LABELS:], list(features)[-MOST_LABELS:]
    labels = np.asarray(differences, dtype=np.float64)[-MOST_LABELS:]
    surface = _standardisation(np.stack([one.surface for one in features]))
    rarity, blocks = _text_blocks(features)
    names = sorted(set(tasks))
    member = np.array([names.index(task) for task in tasks])
    kernel = TASK_SHARE * (member[:, None] == member[None, :]).astype(np.float64)
    for block in blocks:
        kernel += TEXT_SHARE / len(blocks) * (block @ block.T).toarray()
    kernel += SURFACE_SHARE * _gaussian(surface.rows)
    mean = float(labels.mean())
    ridge, inverse = _best_ridge(kernel, labels - mean)
    dual = inverse @ (labels - mean)
    parts = TASK_SHARE * np.bincount(member, weights=dual, minlength=len(names))
    weights = np.concatenate([TEXT_SHARE / len(blocks) * (block.T @ dual) for block in blocks]) * rarity
    surface = _Surface(surface.centre, surface.scale, surface.rows, (SURFACE_SHARE * dual).astype(np.float32))
    model = Difficulty(
        mean=mean,
        ridge=ridge,
        tasks={name: float(part) for name, part in zip(names, parts, strict=True)},
        text=((rarity * rarity).astype(np.float32), weights.astype(np.float32)),
        surface=surface,
    )
    return Trained(model, labels - dual / np.diag(inverse))


def _cosine(squared: Floats, weights: Floats) -> float:
    norm = float(squared.sum())
    return float(weights.sum()) / norm**0.5 if norm > 0.0 else 0.0


def _standardisation(raw: Floats) -> _Surface:
    centre, spread = raw.mean(axis=0), raw.std(axis=0)
    scale = np.where(spread > 0.0, 1.0 / np.maximum(spread, 1e-6), 0.0).astype(np.float32)
    empty = _Surface(centre, scale, np.zeros((1, SURFACES), np.float32), np.zeros(1, np.float32))
    return _Surface(centre, scale, empty.standardised(raw), np.zeros(len(raw), np.float32))


def _text_blocks(features: Sequence[Features]) -> tuple[Doubles, list[sparse.csr_matrix]]:
    """The rarity of every bucket, and one matrix of unit rows for words and one for letter groups."""
    ends = np.cumsum([0, *(len(one.grams) for one in features)])
    buckets = np.concatenate([one.grams for one in features])
    n = len(features)
    rarity = np.log((1.0 + n) / (1.0 + np.bincount(buckets, minlength=GRAMS))) + 1.0
    whole = sparse.csr_matrix((rarity[buckets], buckets, ends), shape=(n, GRAMS))
    blocks = []
    for block in (whole[:, :_WORDS], whole[:, _WORDS:]):
        norms = np.sqrt(np.asarray(block.multiply(block).sum(axis=1)).ravel())
        blocks.append(sparse.csr_matrix(sparse.diags(1.0 / np.maximum(norms, 1e-12)) @ block))
    return rarity, blocks


def _gaussian(rows: Floats) -> Doubles:
    wide = rows.astype(np.float64)
    norms = np.einsum("ij,ij->i", wide, wide)
    distances = np.maximum(0.0, norms[:, None] + norms[None, :] - 2.0 * wide @ wide.T)
    gaussian: Doubles = np.exp(distances * (-0.5 / SURFACES))
    return gaussian


def _best_ridge(kernel: Doubles, labels: Doubles) -> tuple[float, Doubles]:
    """The ridge with the highest marginal likelihood (its scale profiled out), and the inverse that goes with it."""
    n = len(labels)
    best: tuple[float, float, Any] | None = None
    for ridge in RIDGES:
        factor = linalg.cho_factor(kernel + ridge * np.eye(n), lower=True)
        fit = max(float(labels @ linalg.cho_solve(factor, labels)), 1e-12)
        likelihood = -0.5 * n * np.log(fit / n) - float(np.log(np.diag(factor[0])).sum())
        if best is None or likelihood > best[0]:
            best = (likelihood, ridge, factor)
    if best is None:
        raise ValueError("no ridge to choose from")
    return best[1], linalg.cho_solve(best[2], np.eye(n))
