from __future__ import annotations

import itertools
from pathlib import Path
from statistics import mean

from benchmarks.arrivals import SHORTEST_GAP_S, schedule
from benchmarks.transcripts import load
from tests.benchmarks.made_up import write_folder


def test_turns_of_a_conversation_come_in_order_with_the_mean_gap_that_was_asked_for(tmp_path: Path) -> None:
    conversations = load(write_folder(tmp_path, conversations=60, turns=5))
    arrivals = schedule(conversations, 100.0, seed=1)
    assert [arrival.at for arrival in arrivals] == sorted(arrival.at for arrival in arrivals)
    gaps = []
    for conversation in conversations:
        own = [arrival for arrival in arrivals if arrival.conversation is conversation]
        assert [arrival.turn for arrival in own] == conversation.turns
        gaps += [after.at - before.at for before, after in itertools.pairwise(own)]
    assert min(gaps) >= SHORTEST_GAP_S
    assert 85 < mean(gaps) < 115


def test_the_same_seed_gives_the_same_times(tmp_path: Path) -> None:
    conversations = load(write_folder(tmp_path))
    times = [[a.at for a in schedule(conversations, 50.0, seed)] for seed in (1, 1, 2)]
    assert times[0] == times[1] != times[2]
