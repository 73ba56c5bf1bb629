"""How much worse will the cheap model do on this prompt? Learnt from the prompts that both models answered.

Ridge regression (in its dual form) on the sum of these similarities of prompts:

* the same task: this alone is the task's mean, shrunk towards the mean of all;
* shared words, word pairs and letter groups, each weighted by its rarity (TF-IDF of what occurs, cosine);
* the user's own embedding, where there is one (cosine);
* a similar surface (Gaussian in the standardised features), which is a smooth nearest-neighbour vote; and once more by
  the first word of the question, and by the choices that a prompt offers.

Where both models' own scores are given with enough labels, each of them is regressed first, and the pair of predictions
is one more similarity (Gaussian) for the difference: the gap is small where both models are right, small or reversed
where both are wrong, and large between, which no sum of the similarities above can say.

The strength of every ridge is chosen by the marginal likelihood of the training labels, never by a test. Training takes
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
from scipy import sparse

from penstock.evidence.features import BITS, GRAMS, Features
from penstock.evidence.ridge import Fit, best_fits, out_of_fold
from penstock.evidence.surface import CHOICES, OPENING, OPENINGS, SURFACES

MOST_LABELS = 1500
"""Labels that a model is trained on; of more, the newest."""

LEAST_LABELS = 60
"""With fewer there is no model, and every prompt of a task is taken as equally hard."""

TASK_SHARE, TEXT_SHARE, SURFACE_SHARE, OPENING_SHARE, CHOICES_SHARE = 0.3, 1.0, 0.35, 0.15, 0.15
"""Prior variances of the parts, relative to each other."""

VECTOR_SHARE = 1.0
"""The same for the user's own embedding: as much as the words."""

SCORES_SHARE = 0.5
"""The same for the pair of predicted scores."""

SCORES_LABELS, SCORES_FAVOUR = 1000, 1.0
"""The pair of predicted scores is used from this many labels on (with fewer the predictions are too noisy to help) and
when it makes the marginal likelihood better by this many nats."""

SURFACE_WIDTH, CHOICES_WIDTH, SCORES_WIDTH = 0.4, 0.6, 1.0
"""Squared widths of the Gaussians, per feature."""

_CLIP = 3.0
_WORDS = 1 << BITS
_SPLIT = np.int32(_WORDS)
_ONES = np.ones(GRAMS, dtype=np.float32)

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


class Difficulty:
    """A trained model of ``score(candidate) - score(reference)``.

    The parts hold one column for the difference, and after it one each for the reference's and the candidate's own
    score where those are used.

    Attributes:
        ridge: the chosen strength for the difference.
        tasks: task -> its part of the prediction.
    """

    def __init__(self, *, ridge: float, means: Floats, tasks: dict[str, Floats], parts: _Parts) -> None:
        self.ridge = ridge
        self.tasks = tasks
        self._means = means
        self._parts = parts
        # One look-up for each bucket: its weights, and its rarity for the length of the whole.
        self._weighed = np.column_stack([parts.text, parts.rarity_squared])
        # Most prompts offer no choices, and are all alike in that.
        self._no_choices = parts.choices.predict(parts.standard.of(np.zeros(SURFACES, np.float32))[CHOICES])

    @property
    def mean(self) -> float:
        """Mean difference of the training labels."""
        return float(self._means[0])

    @property
    def labels(self) -> int:
        """Number of training labels."""
        return len(self._parts.surface.weights)

    def predict(self, task: str, features: Features) -> float:
        """The expected difference on a prompt, about -1..1; the mean of all labels for what is like nothing known."""
        parts = self._parts
        grams = features.grams
        weighed: Floats = self._weighed.take(grams, axis=0)
        split = int(grams.searchsorted(_SPLIT))
        words, groups = _ONES[:split] @ weighed[:split], _ONES[split : len(grams)] @ weighed[split:]
        found: Floats = self._means + _unit(words) + _unit(groups)
        found += parts.openings[_opening(features.surface)]
        if len(features.vector) and len(features.vector) == len(parts.vector):
            found += features.vector @ parts.vector
        row = parts.standard.of(features.surface)
        found += parts.surface.predict(row)
        found += parts.choices.predict(row[CHOICES]) if features.surface[CHOICES.start] else self._no_choices
        if (of_task := self.tasks.get(task)) is not None:
            found += of_task
        if parts.scores is None or parts.score_scale is None:
            return float(found[0])
        return float(found[0] + parts.scores.predict(found[1:] * parts.score_scale)[0])

    def to_builtins(self) -> dict[str, Any]:
        """Plain JSON values; arrays as base64 of little-endian 32-bit floats."""
        packed = {name: b64encode(a.astype("<f4").tobytes()).decode() for name, a in self._parts.arrays().items()}
        tasks = {task: part.tolist() for task, part in self.tasks.items()}
        return {"ridge": self.ridge, "means": self._means.tolist(), "tasks": tasks, **packed}

    @classmethod
    def from_builtins(cls, value: dict[str, Any]) -> Difficulty:
        """The model that ``to_builtins`` wrote; KeyError or ValueError for anything else."""
        means = np.array(value["means"], dtype=np.float32)

        def array(name: str, width: int) -> Floats:
            flat = np.frombuffer(b64decode(value[name], validate=True), dtype="<f4").astype(np.float32)
            return flat.reshape(-1, width)

        squared, text = array("rarity_squared", 1)[:, 0], array("text", len(means))
        openings, standard = array("openings", len(means)), array("standard", SURFACES)
        if len(squared) != GRAMS or len(text) != GRAMS or len(openings) != len(OPENINGS) + 1:
            raise ValueError("a model of other features")
        rows, weights = array("rows", SURFACES), array("surface", len(means))
        both = len(means) > 1
        parts = _Parts(
            rarity_squared=squared,
            text=text,
            vector=array("vector", len(means)),
            openings=openings,
            standard=_Standard(*standard),
            surface=_Gaussian(rows, weights, SURFACE_WIDTH),
            choices=_Gaussian(rows[:, CHOICES], array("choices", len(means)), CHOICES_WIDTH),
            scores=_Gaussian(array("score_rows", 2), array("scores", 1), SCORES_WIDTH) if both else None,
            score_scale=array("score_scale", 2)[0] if both else None,
        )
        tasks = {str(task): np.array(part, dtype=np.float32) for task, part in value["tasks"].items()}
        return cls(ridge=float(value["ridge"]), means=means, tasks=tasks, parts=parts)


class _Standard:
    """Surface features to mean 0 and spread 1, cut off at three spreads."""

    def __init__(self, centre: Floats, scale: Floats) -> None:
        self.centre, self.scale = centre, scale

    @classmethod
    def fitted(cls, raw: Floats) -> _Standard:
        centre, spread = raw.mean(axis=0), raw.std(axis=0)
        scale = np.where(spread > 1e-6, 1.0 / np.maximum(spread, 1e-6), 0.0)  # noqa: PLR2004 - constant features
        return cls(centre.astype(np.float32), scale.astype(np.float32))

    def of(self, raw: Floats) -> Floats:
        standard: Floats = (raw - self.centre) * self.scale
        return np.minimum(np.maximum(standard, -_CLIP), _CLIP)


class _Gaussian:
    """A weighted vote of the training rows, of shape (row, feature), for each column of the weights."""

    def __init__(self, rows: Floats, weights: Floats, width: float) -> None:
        self.rows, self.weights = np.ascontiguousarray(rows), weights
        self._rate = np.float32(-0.5 / (width * rows.shape[1]))
        self._norms = np.einsum("ij,ij->i", self.rows, self.rows) * self._rate
        self._doubled = self.rows * (-2.0 * self._rate)

    def predict(self, row: Floats) -> Floats:
        near = self._doubled @ row
        near += self._norms
        near += self._rate * (row @ row)
        found: Floats = np.exp(near, out=near) @ self.weights
        return found

    def kernel(self) -> Doubles:
        wide = self.rows.astype(np.float64)
        norms = np.einsum("ij,ij->i", wide, wide)
        distances = np.maximum(0.0, norms[:, None] + norms[None, :] - 2.0 * wide @ wide.T)
        return np.asarray(np.exp(distances * float(self._rate)))


@dataclass(frozen=True, kw_only=True)
class _Parts:
    rarity_squared: Floats
    text: Floats
    vector: Floats
    openings: Floats
    standard: _Standard
    surface: _Gaussian
    choices: _Gaussian
    scores: _Gaussian | None
    score_scale: Floats | None

    def arrays(self) -> dict[str, Floats]:
        found = {
            "rarity_squared": self.rarity_squared,
            "text": self.text,
            "vector": self.vector,
            "openings": self.openings,
            "standard": np.stack([self.standard.centre, self.standard.scale]),
            "rows": self.surface.rows,
            "surface": self.surface.weights,
            "choices": self.choices.weights,
        }
        if self.scores is not None and self.score_scale is not None:
            found |= {"score_rows": self.scores.rows, "scores": self.scores.weights, "score_scale": self.score_scale}
        return found


@dataclass(frozen=True)
class Trained:
    """A model and what it would have said of each training prompt had that one been left out."""

    model: Difficulty
    left_out: Doubles


def train(
    tasks: Sequence[str],
    features: Sequence[Features],
    differences: Sequence[float],
    reference: Sequence[float] | None = None,
) -> Trained:
    """Fit a model; of more than ``MOST_LABELS`` examples the last ones are used.

    Args:
        tasks: of each example.
        features: of each example's prompt.
        differences: candidate's score minus reference's, in [-1, 1].
        reference: the reference's own scores in [0, 1], where they are known.

    Raises:
        ValueError: fewer than ``LEAST_LABELS`` examples, or sequences of different lengths.
    """
    if not len(tasks) == len(features) == len(differences) == (len(tasks) if reference is None else len(reference)):
        raise ValueError("each example has a task, features and a difference")
    if len(tasks) < LEAST_LABELS:
        raise ValueError(f"at least {LEAST_LABELS} labels are needed")
    tasks, features = list(tasks)[-MOST_LABELS:], list(features)[-MOST_LABELS:]
    labels = np.asarray(differences, dtype=np.float64)[-MOST_LABELS:]
    likeness = _Likeness(tasks, features)
    centred = labels[:, None] - labels.mean()
    own = None if reference is None else np.asarray(reference, dtype=np.float64)[-MOST_LABELS:]
    if own is None or len(own) < SCORES_LABELS or not own.std() or not (own + labels).std():
        (fit,) = best_fits(likeness.kernel, [centred])
        return Trained(likeness.model(labels[:, None], fit.dual, fit), labels.mean() + fit.left_out(centred[:, 0]))
    scores = np.stack([own, own + labels], axis=1)
    alone, of_scores = best_fits(likeness.kernel, [centred, scores - scores.mean(axis=0)])
    expected = out_of_fold(likeness.kernel, scores, of_scores.ridge)
    scale = 1.0 / np.maximum(expected.std(axis=0), 1e-6)
    pair = _Gaussian((expected * scale).astype(np.float32), np.zeros((len(labels), 1), np.float32), SCORES_WIDTH)
    (fit,) = best_fits(likeness.kernel + SCORES_SHARE * pair.kernel(), [centred])
    if fit.likelihood < alone.likelihood + SCORES_FAVOUR:
        return Trained(
            likeness.model(labels[:, None], alone.dual, alone), labels.mean() + alone.left_out(centred[:, 0])
        )
    pair.weights = (SCORES_SHARE * fit.dual).astype(np.float32)
    model = likeness.model(
        np.column_stack([labels, scores]),
        np.column_stack([fit.dual, of_scores.dual]),
        fit,
        scores=pair,
        scale=scale.astype(np.float32),
    )
    return Trained(model, labels.mean() + fit.left_out(centred[:, 0]))


class _Likeness:
    """The similarities of the training prompts among each other."""

    def __init__(self, tasks: Sequence[str], features: Sequence[Features]) -> None:
        raw = np.stack([one.surface for one in features])
        self.standard = _Standard.fitted(raw)
        self.rows = self.standard.of(raw)
        self.names, self.member = np.unique(tasks, return_inverse=True)
        self.opening = np.array([_opening(one.surface) for one in features])
        self.rarity, self.blocks = _text_blocks(features)
        kernel = TASK_SHARE * (self.member[:, None] == self.member[None, :])
        kernel += OPENING_SHARE * (self.opening[:, None] == self.opening[None, :])
        self.vectors = _vectors(features)
        kernel += VECTOR_SHARE * self.vectors @ self.vectors.T
        for block in self.blocks:
            kernel += TEXT_SHARE / len(self.blocks) * (block @ block.T).toarray()
        kernel += SURFACE_SHARE * self._gaussian(self.rows, SURFACE_WIDTH).kernel()
        kernel += CHOICES_SHARE * self._gaussian(self.rows[:, CHOICES], CHOICES_WIDTH).kernel()
        self.kernel: Doubles = kernel

    def _gaussian(self, rows: Floats, width: float, weights: Doubles | None = None) -> _Gaussian:
        return _Gaussian(rows, np.zeros((len(rows), 1), np.float32) if weights is None else _single(weights), width)

    def model(
        self,
        columns: Doubles,
        dual: Doubles,
        fit: Fit,
        *,
        scores: _Gaussian | None = None,
        scale: Floats | None = None,
    ) -> Difficulty:
        """The model of these dual weights, of shape (row, column)."""
        share = TEXT_SHARE / len(self.blocks)
        text = np.concatenate([share * (block.T @ dual) for block in self.blocks]) * self.rarity[:, None]
        parts = _Parts(
            rarity_squared=_single(self.rarity * self.rarity),
            text=_single(text),
            vector=_single(VECTOR_SHARE * self.vectors.T @ dual),
            openings=_single(OPENING_SHARE * _sums(self.opening, dual, len(OPENINGS) + 1)),
            standard=self.standard,
            surface=self._gaussian(self.rows, SURFACE_WIDTH, SURFACE_SHARE * dual),
            choices=self._gaussian(self.rows[:, CHOICES], CHOICES_WIDTH, CHOICES_SHARE * dual),
            scores=scores,
            score_scale=scale,
        )
        of_tasks = _single(TASK_SHARE * _sums(self.member, dual, len(self.names)))
        tasks = {str(name): part for name, part in zip(self.names, of_tasks, strict=True)}
        return Difficulty(ridge=fit.ridge, means=_single(columns.mean(axis=0)), tasks=tasks, parts=parts)


def _single(values: Doubles) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)


def _sums(member: NDArray[np.int64], dual: Doubles, groups: int) -> Doubles:
    found = np.zeros((groups, dual.shape[1]))
    np.add.at(found, member, dual)
    return found


def _opening(surface: Floats) -> int:
    """Which of ``OPENINGS`` the question begins with; their number for none of them."""
    flags = surface[OPENING]
    first = int(flags.argmax())
    return first if flags[first] else len(OPENINGS)


def _unit(sums: Floats) -> Floats:
    """The sums of a text's weights as those of a text of length one; the last is its squared length."""
    squared = float(sums[-1])
    found: Floats = sums[:-1] * np.float32(squared**-0.5 if squared > 0.0 else 0.0)
    return found


def _vectors(features: Sequence[Features]) -> Doubles:
    """The embeddings as rows, of the newest one's length; zeros for a prompt without one of that length."""
    width = next((len(one.vector) for one in reversed(features) if len(one.vector)), 0)
    found = np.zeros((len(features), width))
    for row, one in zip(found, features, strict=True):
        if len(one.vector) == width:
            row[:] = one.vector
    return found


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
