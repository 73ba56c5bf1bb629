from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.reuse import ReuseEvidence, Sighting
from penstock.levers.cache.chain import SegmentChain, chain_of
from penstock.levers.cache.learn import _read_position, learn_reuse
from penstock.models.catalog import profile_of
from penstock.wire.usage import Usage
from tests.levers.cache.prompts import LONG, NOW, anthropic, chat, view_of
from tests.levers.cache.provider import tokens_of

MARKED = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]


def _learn(reuse: ReuseEvidence, body: dict[str, Any], at: float, usage: Usage | None = None) -> None:
    view = view_of(body)
    learn_reuse(reuse, view, tokens_of(view), profile_of(view.model), task="contracts", scope="", at=at, usage=usage)


def _look(reuse: ReuseEvidence, body: dict[str, Any], at: float) -> Sighting:
    view = view_of(body)
    sighting = reuse.look(chain_of(view, tokens_of(view), profile_of(view.model), ""), at)
    assert sighting is not None
    return sighting


def test_an_unmarked_request_leaves_a_sighting_and_no_entry() -> None:
    reuse = ReuseEvidence()
    _learn(reuse, anthropic(), NOW)
    sighting = _look(reuse, anthropic(), NOW + 1.0)
    assert (sighting.match, sighting.entry) == (1, -1)


@pytest.mark.parametrize(("ttl", "lifetime"), [("5m", 300.0), ("1h", 3600.0)])
def test_t10_a_marker_leaves_an_entry_that_ages_from_the_start_of_the_request(ttl: str, lifetime: float) -> None:
    reuse = ReuseEvidence()
    system = [{**MARKED[0], "cache_control": {"type": "ephemeral", "ttl": ttl}}]
    _learn(reuse, anthropic(system=system), NOW)
    sighting = _look(reuse, anthropic(turns=("Another?",)), NOW + 60.0)
    assert (sighting.entry, sighting.left) == (0, pytest.approx(lifetime - 60.0))
    assert _look(reuse, anthropic(turns=("Another?",)), NOW + lifetime + 1.0).entry == -1


def test_t05_the_automatic_marker_leaves_its_entry_at_the_end() -> None:
    reuse = ReuseEvidence()
    _learn(reuse, {**anthropic(), "cache_control": {"type": "ephemeral"}}, NOW)
    assert _look(reuse, anthropic(), NOW + 1.0).entry == 1


def test_of_a_model_that_charges_nothing_for_writes_only_the_pace_is_learnt() -> None:
    reuse = ReuseEvidence()
    _learn(reuse, chat(model="gpt-4o"), NOW)
    assert len(reuse.prefixes) == 0
    assert reuse.pace.per_minute("contracts", NOW) > 0.0


def test_t04_a_marker_below_the_minimum_leaves_nothing() -> None:
    reuse = ReuseEvidence()
    short = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    _learn(reuse, anthropic(system=short), NOW)
    assert _look(reuse, anthropic(system="Be brief."), NOW + 1.0).entry == -1


def test_t04_a_model_that_we_do_not_know_is_seen_and_nothing_promised_of_it() -> None:
    reuse = ReuseEvidence()
    _learn(reuse, anthropic(system=MARKED, model="claude-nova-9"), NOW)
    sighting = _look(reuse, anthropic(model="claude-nova-9"), NOW + 1.0)
    assert (sighting.match, sighting.entry) == (1, -1)


def test_t12_implicit_mode_leaves_an_entry_and_explicit_mode_without_breakpoints_none() -> None:
    for options, entry in (({}, 1), ({"prompt_cache_options": {"mode": "explicit"}}, -1)):
        reuse = ReuseEvidence()
        _learn(reuse, {**chat(), **options}, NOW)
        assert _look(reuse, chat(), NOW + 1000.0).entry == entry
        assert _look(reuse, chat(), NOW + 2000.0).entry == -1


def test_t10_what_the_provider_says_it_did_not_read_is_not_kept_alive() -> None:
    reuse = ReuseEvidence()
    _learn(reuse, anthropic(system=MARKED), NOW)
    missed = Usage(input_uncached=2781)
    _learn(reuse, anthropic(turns=("Another?",)), NOW + 200.0, missed)
    assert _look(reuse, anthropic(), NOW + 400.0).entry == -1


def test_t10_what_the_provider_says_it_read_is_kept_alive_even_if_it_counts_otherwise() -> None:
    reuse = ReuseEvidence()
    _learn(reuse, anthropic(system=MARKED), NOW)
    read = Usage(input_uncached=7, cache_read=3300)
    _learn(reuse, anthropic(system=MARKED, turns=("Another?",)), NOW + 200.0, read)
    assert _look(reuse, anthropic(), NOW + 400.0).entry == 0


def test_a_request_without_a_prompt_teaches_nothing() -> None:
    reuse = ReuseEvidence()
    _learn(reuse, {"model": "claude-opus-5-5", "max_tokens": 5, "messages": []}, NOW)
    assert len(reuse.prefixes) == 0


@given(st.lists(st.integers(1, 500), min_size=1, max_size=12), st.integers(1, 4000), st.integers(1, 4000))
def test_the_entry_that_was_read_ends_nearest_to_what_the_provider_says(
    tokens: list[int], read: int, plain: int
) -> None:
    ends = list(accumulate(tokens))
    found = _read_position(SegmentChain((), ends, (1, 2)), Usage(input_uncached=plain, cache_read=read))
    target = read * ends[-1] / (read + plain)
    assert found == min(range(len(ends)), key=lambda position: abs(ends[position] - target))
