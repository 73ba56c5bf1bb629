"""Embeddings of a user, for tests."""

from __future__ import annotations

import numpy as np


def of(text: str) -> list[float]:
    """Two directions: what is hard, and the rest."""
    return [3.0, 0.0] if "prove" in text else [0.0, 2]


def array(text: str) -> np.ndarray:
    return np.array([0.0, len(text)], dtype=np.float64)


def nothing(text: str) -> list[float]:
    return [0.0, 0.0]


def broken(text: str) -> list[float]:
    raise RuntimeError(text)


def words(text: str) -> list[str]:
    return text.split()


def infinite(text: str) -> list[float]:
    return [float("inf")]


def nested(text: str) -> list[list[float]]:
    return [[1.0], [2.0]]


def empty(text: str) -> list[float]:
    return []


def number(text: str) -> float:
    return 1.0
