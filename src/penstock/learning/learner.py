"""Learns in a thread which prompts are easy for a candidate, and answers the engine from what it has learnt.

The engine's questions are answered at once; pairs wait in a bounded queue for the thread, which works out their
features, keeps them in the ledger, and looks for an easy part when enough of them are there (``evidence.easy``). A new
process picks up the pairs of the ledger and looks at them again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from penstock.engine.easy import AskedText, EasyKey
from penstock.engine.gates import Gates
from penstock.errors import InternalError
from penstock.evidence.difficulty import MOST_LABELS
from penstock.evidence.easy import EasyPart, Label, Look, find_easy, latest_look
from penstock.evidence.features import Features, prompt_features
from penstock.evidence.gate import EasyState, Terms
from penstock.learning.embedding import embedded
from penstock.ledger.labels import SavedLabel
from penstock.ledger.sqlite import Ledger, open_ledger

EVERY_S = 2.0
"""Seconds between two rounds of the thread."""
MOST_WAITING = 2000
"""Pairs that wait for the thread; further ones are dropped and counted."""

Failed = Callable[[str], object]


class _Pair(msgspec.Struct, frozen=True):
    key: EasyKey
    asked: AskedText
    difference: float
    accepted: bool
    terms: Terms


class _Task:
    """What is known of one candidate's task."""

    def __init__(self, labels: list[tuple[int, Label]]) -> None:
        self.labels = labels
        self.seen = labels[-1][0] if labels else 0
        self.looked: Look | None = None

    def at(self, look: Look) -> list[Label]:
        """The pairs that a look is about."""
        return [label for number, label in self.labels if look.pairs - MOST_LABELS < number <= look.pairs]


class Learner:
    """The easy parts of one process; ``engine.easy.EasyParts`` describes what the engine uses of it.

    Args:
        gates: of the engine's context; this becomes their ``easy``.
        path: the ledger's file, or None.
        failed: is given a short name of each failure.
        every_s: see ``EVERY_S``.

    Raises:
        InputError: the file cannot be opened.
    """

    def __init__(self, gates: Gates, path: str | Path | None, *, failed: Failed, every_s: float = EVERY_S) -> None:
        self._gates = gates
        self._failed = failed
        self._every_s = every_s
        self._ledger: Ledger | None = open_ledger(path) if path is not None else None
        self._parts: dict[EasyKey, EasyPart] = {}
        self._tasks: dict[EasyKey, _Task] = {}
        self._waiting: deque[_Pair] = deque()
        self._closing = threading.Event()
        self._known: dict[EasyKey, Terms] = {}
        gates.easy = self
        self._thread = threading.Thread(target=self._run, name="penstock-learner", daemon=True)
        self._thread.start()

    def serves(self, key: EasyKey, asked: AskedText) -> bool:
        """Whether a prompt is certified as easy; on the call's path."""
        part = self._parts.get(key)
        try:
            return part is not None and part.serves(features_of(asked))
        except Exception as error:  # noqa: BLE001 - fail open: without a word on its difficulty it is not easy
            self._failed(f"difficulty: {type(error).__name__}")
            return False

    def opened(self, key: EasyKey, terms: Terms) -> None:
        """A gate is in use: what the ledger has of it is picked up in the next round."""
        if key not in self._known:
            self._known[key] = terms

    def pair(self, key: EasyKey, asked: AskedText, difference: float, *, accepted: bool, terms: Terms) -> None:
        """A pair was scored."""
        if len(self._waiting) >= MOST_WAITING:
            self._failed("difficulty: too_many_pairs")
            return
        self._waiting.append(_Pair(key, asked, difference, accepted, terms))

    def served(self, key: EasyKey, *, accepted: bool) -> None:
        """The candidate answered an easy prompt."""
        part = self._parts.get(key)
        if part is not None:
            part.served(accepted=accepted)

    def close(self, timeout_s: float = 10.0) -> None:
        """Keep what waits, then end the thread and close the file."""
        self._closing.set()
        self._thread.join(timeout_s)
        if self._ledger is not None and not self._thread.is_alive():
            self._ledger.close()

    def _run(self) -> None:
        while True:
            closing = self._closing.wait(self._every_s)
            try:
                self.round(looking=not closing)
            except InternalError:
                self._failed("difficulty: ledger")
            except Exception as error:  # noqa: BLE001 - what cannot be learnt may not end the thread
                self._failed(f"difficulty: {type(error).__name__}")
            if closing:
                return

    def round(self, *, looking: bool = True) -> None:
        """One round: take in the pairs that wait, and look where a look is due."""
        fresh: list[SavedLabel] = []
        while self._waiting:
            fresh.append(self._taken(self._waiting.popleft()))
        if self._ledger is not None and fresh:
            self._ledger.labels.save(fresh)
        for key, terms in list(self._known.items()):
            if self._is_over(key):
                self._known.pop(key)
                self._tasks.pop(key, None)
                self._parts.pop(key, None)
                continue
            task = self._task(key)
            part = self._parts.get(key)
            if part is not None and part.alarm is not None:
                self._drop(key, task, part.alarm)
            look = latest_look(task.seen)
            if looking and look is not None and look != task.looked:
                self._look(key, task, look, terms)

    def _taken(self, pair: _Pair) -> SavedLabel:
        features = self._features(pair.asked)
        task = self._task(pair.key)
        self._known[pair.key] = pair.terms
        task.seen += 1
        task.labels.append((task.seen, Label(features, pair.difference, pair.accepted)))
        part = self._parts.get(pair.key)
        if part is not None:
            part.pair(features, pair.difference)
        grams, surface = features.grams.astype("<i4").tobytes(), features.surface.astype("<f4").tobytes()
        vector = features.vector.astype("<f4").tobytes()
        return SavedLabel(*pair.key, task.seen, pair.difference, pair.accepted, grams, surface, vector)

    def _features(self, asked: AskedText) -> Features:
        """The features of a scored pair's prompt; without its embedding where that fails."""
        try:
            return features_of(asked)
        except Exception as error:  # noqa: BLE001 - the user's code
            self._failed(f"embedding: {type(error).__name__}")
            return prompt_features(asked.text, asked.tools)

    def _task(self, key: EasyKey) -> _Task:
        task = self._tasks.get(key)
        if task is None:
            kept = self._ledger.labels.of(*key) if self._ledger is not None else []
            task = self._tasks[key] = _Task([(one.number, _label(one)) for one in kept])
        return task

    def _look(self, key: EasyKey, task: _Task, look: Look, terms: Terms) -> None:
        task.looked = look
        before = self._state(key)
        if before is not None and before.pairs == look.pairs and before.dropped:
            return  # an alarm ended it; the same pairs say nothing new
        part = find_easy(key.task, task.at(look), look, terms)
        self._gates.inbox.append(partial(self._claimed, key, look, part))
        keep = look.pairs - MOST_LABELS + 1
        task.labels = [one for one in task.labels if one[0] >= keep]
        if self._ledger is not None:
            self._ledger.labels.forget(*key, before=keep)

    def _claimed(self, key: EasyKey, look: Look, part: EasyPart) -> None:
        """Have a part claim what may be claimed; carried out where the gates' calls run."""
        self._gates.easy_looked(key, look.pairs, part.log_e, part.claim)
        if part.share:
            self._parts[key] = part
        else:
            self._parts.pop(key, None)

    def _drop(self, key: EasyKey, task: _Task, why: str) -> None:
        self._parts.pop(key, None)
        pairs = task.looked.pairs if task.looked is not None else 0
        self._told(key, EasyState(pairs, 0.0, why))

    def _is_over(self, key: EasyKey) -> bool:
        """Whether the gate's evidence began anew since."""
        gate = self._gates.book.gates.get(key.task, {}).get(key.candidate)
        return gate is not None and gate.opened_at != key.opened_at

    def _state(self, key: EasyKey) -> EasyState | None:
        gate = self._gates.book.gates.get(key.task, {}).get(key.candidate)
        return gate.easy if gate is not None and gate.opened_at == key.opened_at else None

    def _told(self, key: EasyKey, state: EasyState) -> None:
        """Have the gate's record say it; the book is changed where its calls run."""
        self._gates.inbox.append(lambda: self._gates.easy_found(key, state))


def features_of(asked: AskedText) -> Features:
    """The features of a prompt, with its embedding where the policy names one; whatever the user's function raises."""
    found = prompt_features(asked.text, asked.tools)
    return found._replace(vector=embedded(asked.embedding, asked.text)) if asked.embedding else found


def _label(saved: SavedLabel) -> Label:
    grams = np.frombuffer(saved.grams, dtype="<i4").astype(np.int32)
    surface = np.frombuffer(saved.surface, dtype="<f4").astype(np.float32)
    vector = np.frombuffer(saved.vector, dtype="<f4").astype(np.float32)
    return Label(Features(grams, surface, vector), saved.difference, saved.accepted)
