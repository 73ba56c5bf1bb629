from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.returns import UNREAD
from penstock.evidence.reuse import LIFETIMES, Entry, ReuseEvidence
from penstock.evidence.sightings import Bill, Shape
from tests.levers.cache.prompts import NOW, Blocks

FIVE_MINUTES, HOUR = 300.0, 3600.0
names = st.text("abc", min_size=1, max_size=6)
requests = st.lists(st.tuples(names, st.integers(1, 400)), max_size=15)
"""Chain and seconds since the request before it."""


def _seen(listed: Sequence[tuple[str, int]], evidence: ReuseEvidence | None = None) -> ReuseEvidence:
    evidence = evidence if evidence is not None else ReuseEvidence()
    at = NOW
    for chain, after in listed:
        at += after
        evidence.observe("task", Blocks(chain), at)
    return evidence


def _chances(evidence: ReuseEvidence, chain: Blocks, now: float, task: str = "task") -> dict[int, float]:
    return dict(evidence.forecast(task, chain, evidence.look(chain, now)).spots)


def test_nothing_is_known_about_a_prompt_that_shares_nothing() -> None:
    assert _seen([("abc", 1)]).look(Blocks("xbc"), NOW + 10.0) is None


def test_the_deepest_prefix_that_was_seen_is_found() -> None:
    evidence = _seen([("abc", 1), ("abxy", 1)])
    sighting = evidence.look(Blocks("abxz"), NOW + 12.0)
    assert sighting is not None
    assert sighting.match == 2
    assert sighting.gap == pytest.approx(10.0)
    assert sighting.entry == -1


@given(requests, names)
@settings(max_examples=40, deadline=None)
def test_a_match_is_the_longest_prefix_that_any_request_had(listed: list[tuple[str, int]], chain: str) -> None:
    sighting = _seen(listed).look(Blocks(chain), NOW + 10_000.0)
    longest = max(
        (n for n in range(1, len(chain) + 1) if any(seen.startswith(chain[:n]) for seen, _ in listed)), default=0
    )
    assert (-1 if sighting is None else sighting.match) == longest - 1


def test_looking_and_forecasting_change_nothing() -> None:
    evidence = _seen([("abc", 1), ("abd", 5), ("abc", 5)])
    before = evidence.to_builtins()
    evidence.forecast("task", Blocks("abe"), evidence.look(Blocks("abe"), NOW + 50.0))
    assert evidence.to_builtins() == before


@pytest.mark.parametrize("lifetime", [FIVE_MINUTES, HOUR, 1800.0])
def test_an_entry_lives_for_its_lifetime_and_no_longer(lifetime: float) -> None:
    evidence = ReuseEvidence()
    evidence.observe("task", Blocks("abc"), NOW, [Entry(1, lifetime)])
    for wait, entry in ((lifetime - 1.0, 1), (lifetime + 1.0, -1)):
        sighting = evidence.look(Blocks("abx"), NOW + wait)
        assert sighting is not None
        assert sighting.entry == entry
    alive = evidence.look(Blocks("abx"), NOW + 100.0)
    assert alive is not None
    assert (alive.left, alive.life) == (pytest.approx(lifetime - 100.0), lifetime)


def test_every_lifetime_that_providers_sell_can_be_kept() -> None:
    for lifetime in LIFETIMES:
        evidence = ReuseEvidence()
        evidence.observe("task", Blocks("ab"), NOW, [Entry(1, lifetime)])
        sighting = evidence.look(Blocks("ab"), NOW)
        assert sighting is not None
        assert sighting.life == lifetime


def test_t10_an_entry_that_is_read_lives_anew_from_the_start_of_that_request() -> None:
    evidence = ReuseEvidence()
    for wait in (0.0, 200.0):
        evidence.observe("task", Blocks("abc"), NOW + wait, [Entry(2, FIVE_MINUTES)])
    for wait, entry in ((499.0, 2), (501.0, -1)):
        sighting = evidence.look(Blocks("abc"), NOW + wait)
        assert sighting is not None
        assert sighting.entry == entry


def test_t10_an_entry_that_the_provider_did_not_read_does_not_live_anew() -> None:
    evidence = ReuseEvidence()
    evidence.observe("task", Blocks("abc"), NOW, [Entry(2, FIVE_MINUTES)])
    evidence.observe("task", Blocks("abc"), NOW + 200.0, [], read=-1)
    sighting = evidence.look(Blocks("abc"), NOW + 400.0)
    assert sighting is not None
    assert sighting.entry == -1


def test_t03_a_live_entry_far_above_the_end_of_a_conversation_is_still_known() -> None:
    evidence = ReuseEvidence()
    chain = "".join(chr(200 + n) for n in range(60))
    evidence.observe("task", Blocks(chain[:10]), NOW, [Entry(9, HOUR)])
    evidence.observe("task", Blocks(chain[:50]), NOW + 10.0, [Entry(9, HOUR)])
    sighting = evidence.look(Blocks(chain), NOW + 20.0)
    assert sighting is not None
    assert (sighting.match, sighting.entry) == (49, 9)


def _late_conversations(evidence: ReuseEvidence, share: int) -> float:
    """Forty conversations, one in ``share`` of which goes on after ten minutes; the time when all that is learnt."""
    for n in range(40):
        chain = f"s{chr(0x4E00 + n)}x"
        evidence.observe("task", Blocks(chain), NOW + n)
        if n % share == 0:
            evidence.observe("task", Blocks(chain + "y"), NOW + n + 700.0)
    evidence.observe("task", Blocks("q"), NOW + 8000.0)
    return NOW + 8000.0


def test_of_a_conversation_that_pauses_late_turns_are_expected_as_far_as_they_were_seen() -> None:
    evidence = ReuseEvidence()
    now = _late_conversations(evidence, 4)
    evidence.observe("task", Blocks("szx"), now)
    end = Blocks("szx").key(2)
    later = evidence.later(end, now + 270.0, HOUR)
    assert later is not None
    assert 0.1 < later.chance < 0.3
    assert evidence.later(end, now + 1500.0, HOUR) is not None
    assert ReuseEvidence().later(end, now, HOUR) is None


def test_of_a_conversation_that_has_gone_on_elsewhere_nothing_more_is_asked() -> None:
    evidence = ReuseEvidence()
    now = _late_conversations(evidence, 4)
    evidence.observe("task", Blocks("szxw"), now)
    assert evidence.later(Blocks("szxw").key(3), now + 270.0, HOUR) is not None
    evidence.observe("task", Blocks("szxv"), now + 60.0)
    assert evidence.later(Blocks("szxw").key(3), now + 270.0, HOUR) is None
    assert evidence.later(Blocks("szxv").key(3), now + 270.0, HOUR) is not None


def test_an_entry_above_that_lives_on_when_a_shorter_one_is_gone_is_known() -> None:
    evidence = ReuseEvidence()
    evidence.observe("task", Blocks("abcde"), NOW, [Entry(1, HOUR), Entry(4, FIVE_MINUTES)])
    assert evidence.outliving(Blocks("abcde"), 4, FIVE_MINUTES, NOW + 270.0) == 1
    assert evidence.outliving(Blocks("abcde"), 4, FIVE_MINUTES, NOW + 1900.0) == -1
    assert evidence.outliving(Blocks("abcde"), 4, HOUR, NOW + 270.0) == -1
    assert evidence.outliving(Blocks("abcde"), 1, FIVE_MINUTES, NOW + 270.0) == -1
    assert evidence.outliving(Blocks("xyz"), 2, FIVE_MINUTES, NOW) == -1


def test_an_entry_of_our_own_beyond_a_prompt_s_end_is_found_and_the_next_turn_is_still_that_conversation_s() -> None:
    plain, kept = ReuseEvidence(), ReuseEvidence()
    for evidence in (plain, kept):
        evidence.observe("task", Blocks("abc"), NOW, [Entry(2, FIVE_MINUTES)])
    kept.kept_alive(Blocks("abcd."), 3, HOUR, NOW + 270.0)
    sightings = [evidence.look(Blocks("abcde"), NOW + 1500.0) for evidence in (plain, kept)]
    before, after = sightings
    assert before is not None
    assert after is not None
    assert (before.entry, after.entry, after.life) == (-1, 3, HOUR)
    assert (after.turn, after.visits, after.kids, after.head, after.owner) == (
        before.turn,
        before.visits,
        before.kids,
        before.head,
        before.owner,
    )
    for evidence in (plain, kept):
        evidence.observe("task", Blocks("abcde"), NOW + 1500.0)
        evidence.observe("task", Blocks("q"), NOW + 9000.0)
    assert kept.tails.to_builtins() == plain.tails.to_builtins()


def test_what_several_prompts_share_is_told_from_a_conversation() -> None:
    shared = _seen([("sa", 1), ("sb", 1), ("sc", 1), ("sd", 1)])
    sighting = shared.look(Blocks("se"), NOW + 5.0)
    assert sighting is not None
    assert sighting.kids > 1
    talk = _seen([("a", 1), ("ab", 1), ("abc", 1)]).look(Blocks("abcd"), NOW + 5.0)
    assert talk is not None
    assert talk.turn > sighting.turn
    assert talk.kids == 0


@given(requests, names)
@settings(max_examples=40, deadline=None)
def test_chances_are_chances_and_never_rise_along_a_prompt(listed: list[tuple[str, int]], chain: str) -> None:
    evidence = _seen(listed)
    now = NOW + sum(after for _, after in listed)
    outlook = evidence.forecast("task", Blocks(chain), evidence.look(Blocks(chain), now))
    positions = [position for position, _ in outlook.spots]
    chances = [chance for _, chance in outlook.spots]
    assert positions == sorted(set(positions))
    assert all(0 <= position < len(chain) for position in positions)
    assert chances == sorted(chances, reverse=True)
    for position, chance in outlook.spots:
        assert 0.0 <= chance <= outlook.chance(position, chance, HOUR) + 1e-9 <= 1.0 + 1e-9


def test_a_prefix_that_keeps_coming_is_expected_and_its_unique_tails_are_not() -> None:
    evidence = _seen([("s" + chr(500 + n), 10) for n in range(60)])
    chances = _chances(evidence, Blocks("sz"), NOW + 601.0)
    assert chances[0] > 0.6
    assert chances[1] < 0.1


def test_t20_prompts_that_never_come_again_are_not_expected() -> None:
    evidence = _seen([(chr(500 + 2 * n) + chr(501 + 2 * n), 30) for n in range(100)])
    assert max(_chances(evidence, Blocks("yz"), NOW + 3001.0).values()) < 0.05


def test_a_prompt_that_comes_every_half_hour_is_expected_within_the_hour_alone() -> None:
    evidence = _seen([("ab", 1500)] * 40)
    now = NOW + 40 * 1500.0
    outlook = evidence.forecast("task", Blocks("ab"), evidence.look(Blocks("ab"), now))
    position, soon = outlook.spots[0]
    assert soon < 0.12
    assert outlook.chance(position, soon, HOUR) > 0.97
    assert outlook.chance(position, soon, FIVE_MINUTES) == pytest.approx(soon)


def test_questions_that_are_written_after_a_document_that_is_read_make_no_streak() -> None:
    evidence, at = ReuseEvidence(), NOW
    for document in "ABCDEF":
        for question in "abcdefghij":
            chain = Blocks(document + question)
            first = question == "a"
            bill = Bill("model", 2000, 0 if first else 1000, {"5m": 2000 if first else 7})
            entries = [Entry(0, 300.0), Entry(1, 300.0)]
            evidence.observe("fields", chain, at, entries, read=-1 if first else 0, bill=bill)
            at += 15.0
        at += 600.0
    evidence.observe("other", Blocks("z"), at)
    assert evidence.returns.of("fields", "model").unread < UNREAD


def test_a_new_task_starts_from_what_the_others_taught() -> None:
    evidence = _seen([("s" + chr(500 + n), 10) for n in range(60)])
    evidence.observe("new", Blocks("tx"), NOW + 601.0)
    known = _chances(evidence, Blocks("ty"), NOW + 605.0, task="new")
    unknown = _chances(_seen([("tx", 1)]), Blocks("ty"), NOW + 5.0, task="new")
    assert known[0] > unknown[0]


@given(requests, st.lists(st.tuples(st.text("xyz", min_size=1, max_size=6), st.integers(1, 400)), max_size=15))
@settings(max_examples=25, deadline=None)
def test_merging_knows_every_prefix_that_either_saw(ours: list[tuple[str, int]], theirs: list[tuple[str, int]]) -> None:
    merged = _seen(ours)
    merged.merge(_seen(theirs))
    for listed in (ours, theirs):
        alone = _seen(listed)
        for chain, _ in listed:
            left, right = (one.look(Blocks(chain), NOW + 9_000.0) for one in (merged, alone))
            assert left is not None
            assert right is not None
            assert left._replace(owner=0, gap=0.0, left=0.0) == right._replace(owner=0, gap=0.0, left=0.0)
            assert left.gap == pytest.approx(right.gap, abs=0.11)


def test_merged_evidence_expects_what_either_learnt() -> None:
    learnt = _seen([("s" + chr(500 + n), 10) for n in range(60)])
    merged = ReuseEvidence()
    merged.merge(learnt)
    chain, now = Blocks("sz"), NOW + 601.0
    assert _chances(merged, chain, now) == pytest.approx(_chances(learnt, chain, now))


@given(requests)
@settings(max_examples=25, deadline=None)
def test_evidence_survives_json(listed: list[tuple[str, int]]) -> None:
    evidence = _seen(listed)
    again = ReuseEvidence.from_builtins(json.loads(json.dumps(evidence.to_builtins())))
    assert again == evidence
    for chain, _ in listed:
        now = NOW + 9_000.0
        assert _chances(again, Blocks(chain), now) == _chances(evidence, Blocks(chain), now)


def test_no_prompt_text_is_in_the_json() -> None:
    evidence = ReuseEvidence()
    evidence.observe("task", Blocks("confidential"), NOW)
    assert "confidential" not in json.dumps(evidence.to_builtins())


def test_prefixes_and_open_forecasts_stay_bounded() -> None:
    evidence = ReuseEvidence(limit=1000)
    for n in range(6000):
        evidence.observe("task", Blocks(chr(0x1000 + n)), NOW + n * 0.01)
    assert len(evidence.prefixes) <= 1000
    assert len(json.dumps(evidence.to_builtins())) < 450_000
    evidence.observe("task", Blocks("a"), NOW + 100_000.0)
    assert evidence.look(Blocks("a"), NOW + 100_000.0) is not None


def test_a_prompt_of_no_segments_teaches_nothing() -> None:
    evidence = ReuseEvidence()
    assert evidence.observe("task", Blocks(""), NOW) is None
    assert len(evidence.prefixes) == 0


def test_what_is_not_evidence_is_refused() -> None:
    for value in ({}, {"prefixes": 3}, []):
        with pytest.raises((ValueError, KeyError, TypeError)):
            ReuseEvidence.from_builtins(value)


class _Long:
    """A chain of a thousand blocks that no other one shares."""

    shape = Shape.UNKNOWN
    landmarks: Sequence[int] = ()

    def __init__(self, number: int) -> None:
        self._first = number * len(self)

    def __len__(self) -> int:
        return 1000

    def key(self, position: int) -> int:
        return ((self._first + position + 1) * 0x9E3779B97F4A7C15) % (1 << 64)

    def upto(self, position: int) -> int:
        return 100 * (position + 1)

    def markable(self, position: int) -> bool:
        return True


def _memory(limit: int) -> int:
    """Bytes that the evidence takes once three times as many distinct prefixes have come as it keeps."""
    gc.collect()
    tracemalloc.start()
    evidence = ReuseEvidence(limit)
    for number in range(3 * limit // 1000):
        evidence.observe("task", _Long(number), NOW + number)
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(evidence.prefixes) <= limit
    return taken


def test_a_million_distinct_prefixes_stay_below_fifty_megabytes() -> None:
    """By what each prefix of the limit takes, and what is taken beside them."""
    few, many = 4_000, 16_000
    smaller, larger = _memory(few), _memory(many)
    each = (larger - smaller) / (many - few)
    beside = smaller - few * each
    assert beside + 1_000_000 * each < 50_000_000
