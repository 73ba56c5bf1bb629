from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.extending import Extending
from penstock.engine.kept import Kept
from penstock.evidence.late import Late
from penstock.evidence.sightings import Shape
from penstock.evidence.spots import gap_class
from penstock.levers.cache.chain import chain_of
from tests.engine.provider import Provider
from tests.evidence.pauses import go_on_late
from tests.playbook import messages, sent

RULES = "What each side owes the other, clause by clause, and by when. " * 400
APPLY = 'mode = "apply"\nholdback.share = 0.0\n'
KEEP = APPLY + "[tasks.t.cache]\nkeep_alive = true\n"
TALK = (RULES, "I have read them.", "Who pays?")
PAUSE = 1200.0
FIRST = f"t\n{gap_class(0, Shape.DIALOGUE)}"
"""The task's conversations of which nothing was seen before."""


def _provider(policy: str = KEEP, *, late: bool = True) -> Provider:
    provider = Provider(policy)
    if late:
        go_on_late(provider.play.context.evidence.reuse.tails)
    return provider


def _paused(provider: Provider, talk: tuple[str, ...] = TALK, pause: float = PAUSE) -> int:
    """A conversation that pauses and goes on; how many requests were sent while it paused."""
    provider.ask(messages(*talk), after=0.0)
    requests = provider.idle(pause)
    provider.ask(messages(*talk, "ok", "And by when?"), after=0.0)
    return requests


def test_a_conversation_that_pauses_for_twenty_minutes_reads_its_prompt_after_one_request() -> None:
    kept, alone = _provider(), _provider(APPLY)
    assert _paused(kept) == 1
    assert _paused(alone) == 0
    first, second = kept.calls
    assert first.usage is not None
    assert second.usage is not None
    assert second.usage.cache_read > first.usage.cache_write_5m > 4000
    (extra,) = second.extra_sends
    assert extra.usage is not None
    assert extra.usage.cache_read == first.usage.cache_write_5m
    assert extra.usage.cache_write == extra.usage.cache_write_1h > 0
    assert extra.reason.startswith("keeps ")
    assert _paid(kept) < 0.75 * _paid(alone)


def _paid(provider: Provider) -> int:
    return sum(cost for call in provider.calls if (cost := call.cost_all) is not None)


def test_the_entry_that_was_written_is_foreseen() -> None:
    provider = _provider()
    _paused(provider)
    call = provider.calls[-1]
    assert call.usage is not None
    assert call.predicted is not None
    assert call.predicted.cache_read == pytest.approx(call.usage.cache_read, rel=0.1)
    assert not call.alarm


def test_where_late_turns_were_not_seen_nothing_is_sent() -> None:
    assert _paused(_provider(late=False)) == 0


def test_a_policy_that_allows_only_five_minutes_is_obeyed() -> None:
    assert _paused(_provider(KEEP + 'ttl = "5m"\n')) == 0


def test_the_client_s_own_markers_are_left_as_they_are() -> None:
    provider = _provider()
    body = messages(*TALK)
    body["messages"][-1]["content"] = [{"type": "text", "text": "Who?", "cache_control": {"type": "ephemeral"}}]
    provider.ask(body, after=0.0)
    assert provider.idle(PAUSE) == 0


def test_a_request_that_does_not_read_is_the_last_one_of_its_task_and_model() -> None:
    provider = _provider()
    provider.lifetimes = 0.1
    assert _paused(provider) == 1
    assert "stopped, since it did not read" in provider.calls[-1].extra_sends[0].reason
    provider.lifetimes = 1.0
    assert _paused(provider, ("Another. " + RULES, *TALK[1:])) == 0


def test_a_refused_request_ends_extending_and_not_renewing() -> None:
    provider = _provider()
    context = provider.play.context
    provider.ask(messages(*TALK), after=271.0)
    (warm,) = context.warming.due(provider.at)
    context.warmed(warm, sent({"type": "error"}, status=400, at=provider.at))
    assert context.warming.refused == set()
    assert _paused(provider, ("Another. " + RULES, *TALK[1:])) == 0


def test_a_provider_that_was_out_of_reach_ends_extending_for_that_prefix_alone() -> None:
    provider = _provider()
    context = provider.play.context
    provider.ask(messages(*TALK), after=271.0)
    (warm,) = context.warming.due(provider.at)
    context.warmed(warm, sent({"type": "error"}, status=529, at=provider.at))
    assert context.warming.due(provider.at + 5.0) == []
    assert _paused(provider, ("Another. " + RULES, *TALK[1:])) == 1


def test_a_task_whose_conversations_do_not_go_on_stands_down() -> None:
    provider = _provider()
    requests = []
    for n in range(40):
        provider.ask(messages(f"{n} " + RULES, *TALK[1:]), after=0.0)
        requests.append(provider.idle(3 * 3600.0, step=30.0))
    assert requests[0] == 1
    assert sum(requests[20:]) == 0
    assert provider.play.context.evidence.late.factor(FIRST) < 0.8


def test_an_answer_that_comes_back_otherwise_counts_as_one_that_did_not() -> None:
    provider = _provider()
    provider.ask(messages(*TALK), after=0.0)
    assert provider.idle(PAUSE) == 1
    call = provider.ask(messages(*TALK, "something else", "And by when?"), after=0.0)
    assert call.usage is not None
    assert call.usage.cache_read == 0
    provider.idle(3 * 3600.0, step=30.0)
    assert provider.play.context.evidence.late.factor(FIRST) < 1.0


def test_what_is_expected_of_a_use_is_counted_when_its_window_is_over_and_not_before() -> None:
    provider = _provider()
    _paused(provider)
    late = provider.play.context.evidence.late
    assert late.factor(FIRST) == 1.0
    provider.idle(3600.0, step=30.0)
    assert late.factor(FIRST) > 1.2


def test_a_turn_that_comes_while_the_short_entry_lives_says_nothing_of_late_ones() -> None:
    provider = _provider()
    _paused(provider, pause=285.0)
    provider.idle(24 * 3600.0, step=30.0)
    seen: dict[str, Any] = provider.play.context.evidence.late.to_builtins()
    assert [came for _, came in seen.values()] == [0.0]


def test_nothing_is_offered_once_a_request_was_sent() -> None:
    provider = _provider()
    provider.ask(messages(*TALK), after=271.0)
    (kept,) = provider.play.context.warming._kept.values()
    assert isinstance(kept, Kept)
    extending = Extending(Late())
    assert extending.offer(kept, provider.at) is not None
    kept.sent = 1
    assert extending.offer(kept, provider.at) is None


def test_what_an_entry_of_an_hour_holds_anyway_is_not_counted_twice() -> None:
    provider = _provider()
    provider.ask(messages(*TALK), after=271.0)
    (kept,) = provider.play.context.warming._kept.values()
    extending = Extending(Late())
    offer = extending.offer(kept, provider.at)
    assert offer is not None
    facts = kept.use.facts
    chain = chain_of(kept.use.view, facts.tokens, facts.profile, facts.scope)
    facts.evidence.reuse.kept_alive(chain, 0, 3600.0, kept.use.at)
    covered = extending.offer(kept, provider.at)
    assert covered is not None
    assert covered.worth < 0 < offer.worth
