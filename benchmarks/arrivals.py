"""Seeded arrival times for recorded conversations, which come without timestamps."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from benchmarks.transcripts import Conversation, Turn

START = 1_795_305_600.0  # 2026-11-22 00:00 UTC
FIRST_BYTE_S = 1.0
SHORTEST_GAP_S = 3.0
AT_ONCE = 8  # conversations that run side by side on average


class Arrival(NamedTuple):
    at: float
    conversation: Conversation
    turn: Turn


def schedule(conversations: list[Conversation], mean_gap_s: float, seed: int) -> list[Arrival]:
    """Every request in time order; gaps inside a conversation are exponential about ``mean_gap_s``."""
    rng = Random(f"{seed}/{mean_gap_s}")
    turns = sum(len(conversation.turns) for conversation in conversations)
    span = mean_gap_s * turns / AT_ONCE
    arrivals = []
    for conversation in conversations:
        at = START + rng.uniform(0, span)
        for turn in conversation.turns:
            arrivals.append(Arrival(at, conversation, turn))
            at += SHORTEST_GAP_S + rng.expovariate(1 / max(mean_gap_s - SHORTEST_GAP_S, 0.1))
    return sorted(arrivals, key=lambda arrival: arrival.at)
