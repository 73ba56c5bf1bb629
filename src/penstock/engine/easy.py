"""The easy part of a task: prompts that a candidate may answer before it has earned the task as a whole.

What is easy is learnt in the background from scored pairs; the engine only asks, and tells what it saw.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from penstock.evidence.gate import Gate, Terms


class EasyKey(NamedTuple):
    """Whose easy part it is; evidence that began anew has another one.

    Attributes:
        task: name or fingerprint.
        candidate: the model as the policy names it.
        opened_at: when the gate's evidence began, seconds since the epoch.
    """

    task: str
    candidate: str
    opened_at: float


class AskedText(NamedTuple):
    """What difficulty is told by.

    Attributes:
        text: the user's newest text.
        tools: number of tools offered with the call.
        embedding: the policy's function from text to vector, or empty.
    """

    text: str
    tools: int
    embedding: str = ""


class EasyParts(Protocol):
    """The easy parts of a process. Nothing here may raise or wait."""

    def opened(self, key: EasyKey, terms: Terms) -> None:
        """A gate is in use."""

    def serves(self, key: EasyKey, asked: AskedText) -> bool:
        """Whether a prompt is certified as easy."""

    def pair(self, key: EasyKey, asked: AskedText, difference: float, *, accepted: bool, terms: Terms) -> None:
        """A pair was scored: the candidate's score minus the reference's, and whether it passed the free checks."""

    def served(self, key: EasyKey, *, accepted: bool) -> None:
        """The candidate answered an easy prompt; whether its answer passed the free checks."""


def key_of(gate: Gate) -> EasyKey:
    """The key of a gate's easy part."""
    return EasyKey(gate.task, gate.candidate, gate.opened_at)
