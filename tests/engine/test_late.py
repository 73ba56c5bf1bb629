from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.engine.context import EngineContext
from penstock.engine.late import late_score, settled_late
from penstock.engine.pending import WAITS, PendingPair
from penstock.engine.record import Call, ExtraSend
from penstock.engine.steps import WRITTEN_OFF, Sent
from penstock.evidence.gate import Gate, Identity, State
from penstock.evidence.scores import answer_digest, field_digests, pair_score
from penstock.policy.load import load_policy
from penstock.wire.answer import Answer
from penstock.wire.dialect import Dialect
from penstock.wire.view import read_request
from tests.ledger.calls import call
from tests.playbook import NOW, answer, incoming, messages

STRONG, CHEAP = "claude-opus-5-5", "claude-haiku-4-5"
POLICY = f'[tasks.t.gate]\ncandidate = "{CHEAP}"\n'
PAIR = PendingPair(
    call_id="c",
    at=NOW,
    task="t",
    candidate=CHEAP,
    opened_at=NOW,
    shown="reference",
    digest=answer_digest(Answer(text="spam")),
    passes=True,
    version=STRONG,
    asked=CHEAP,
    dialect=Dialect.ANTHROPIC_MESSAGES,
    geo=None,
    final=True,
)
MARK = ExtraSend(purpose="shadow", model=CHEAP, reason=f"{WAITS} b", status=None, usage=None, cost=None)


class Late:
    """A gate, and a call whose shadow waits."""

    def __init__(self, policy: str = POLICY) -> None:
        self.context = EngineContext(load_policy(policy))
        who = Identity(reference=STRONG, candidate=CHEAP)
        self.gate: Gate = self.context.gates.book.gate("t", who, at=NOW)
        self.call = msgspec.structs.replace(call(1), extra_sends=(MARK,))

    def comes(self, sent: Sent, **changes: Any) -> Call:
        return settled_late(msgspec.structs.replace(PAIR, **changes), self.call, sent, self.context)


def _said(text: str, **more: Any) -> Sent:
    return msgspec.structs.replace(answer(text, model=CHEAP, **more), batched=True)


def test_an_equal_answer_is_a_tie_and_its_cost_takes_the_place_of_the_mark() -> None:
    late = Late()
    (extra,) = late.comes(_said("spam ")).extra_sends
    assert extra.reason == "agreed (equal, after a restart)"
    assert extra.cost is not None
    assert (late.gate.test.n, late.gate.test.losses) == (1, 0.0)


@pytest.mark.parametrize(("text", "stop"), [("ham", "end_turn"), ("spam", "max_tokens"), ("", "end_turn")])
def test_a_difference_and_a_broken_answer_of_the_candidate_are_losses(text: str, stop: str) -> None:
    late = Late()
    assert late.comes(_said(text, stop=stop)).extra_sends[0].reason.startswith("disagreed by 1.00")
    assert (late.gate.test.n, late.gate.test.losses) == (1, 1.0)


def test_a_difference_that_a_grader_would_have_looked_at_counts_by_the_bound_and_not_once_it_serves() -> None:
    late = Late()
    assert late.comes(_said("ham"), final=False).extra_sends[0].reason.startswith("not scored: it differed")
    assert late.gate.test.losses == 1.0
    late.context.gates.book.promote("t", CHEAP, at=NOW, by="ann", why="known")
    late.comes(_said("ham"), final=False)
    assert late.gate.paired is not None
    assert late.gate.paired.n == 0


def test_what_could_not_be_graded_after_a_restart_is_counted_and_told_to_whoever_keeps_gates() -> None:
    late = Late()
    kept: list[int] = []
    late.context.gates.changed = lambda gate: kept.append(gate.ungraded_late)
    late.comes(_said("spam"), final=False)
    late.comes(_said("ham"), final=False)
    late.context.gates.book.promote("t", CHEAP, at=NOW, by="ann", why="known")
    late.comes(_said("ham"), final=False)
    assert kept == [0, 1, 2]
    assert (late.gate.ungraded, late.gate.ungraded_late) == (2, 2)


def test_structured_answers_are_compared_by_their_fields_without_their_text() -> None:
    late = Late()
    shown = Answer(text='{"name": "Ada Lovelace", "born": 1815, "city": "London", "fellow": false}')
    fields = field_digests(shown, "c")
    assert fields is not None
    pair = msgspec.structs.replace(PAIR, digest=answer_digest(shown), fields=fields)
    assert b"Ada" not in msgspec.json.encode(pair)
    text = '{"name": "Ada Lovelace", "born": 1852, "city": "London", "fellow": false}'
    (extra,) = late.comes(_said(text), digest=pair.digest, fields=fields).extra_sends
    assert extra.reason == "disagreed by 0.25 (fields, after a restart)"
    assert (late.gate.test.losses, late.gate.ungraded) == (0.25, 0)


@pytest.mark.parametrize("changes", [{"opened_at": NOW - 1.0}, {"task": "other"}])
def test_a_gate_that_began_anew_or_is_gone_is_told_nothing_and_the_cost_is_booked(changes: dict[str, Any]) -> None:
    late = Late()
    (extra,) = late.comes(_said("spam"), **changes).extra_sends
    assert extra.reason.startswith("not compared")
    assert extra.cost is not None
    assert late.gate.test.n == 0


def test_a_gate_that_a_person_holds_is_told_nothing() -> None:
    late = Late()
    late.context.gates.book.gates["t"][CHEAP].move(State.HELD, NOW, why="audit", by="person:ann")
    late.comes(_said("spam"))
    assert late.gate.test.n == 0


def test_another_version_in_a_late_answer_sends_the_candidate_back_to_shadow() -> None:
    late = Late()
    late.gate.identity = Identity(reference=STRONG, candidate=f"{CHEAP}-20251001")
    sent = msgspec.structs.replace(answer("spam", model=f"{CHEAP}-20261101"), batched=True)
    late.comes(sent)
    assert late.gate.history[-1].by == "trigger"


def test_what_a_late_shadow_cost_counts_against_the_day_on_which_it_comes() -> None:
    late = Late(POLICY + "shadow_usd_day = 0.0000001\n")
    request = incoming(messages("x", model=STRONG))
    view = read_request(request.dialect, request.raw)
    trial = late.context.gates.enter(view, "t", late.context.policy, request)
    assert trial is not None
    assert late.context.gates.affords(trial, NOW)
    late.comes(_said("spam"))
    assert not late.context.gates.affords(trial, NOW)


def test_what_cannot_be_read_is_written_off_at_an_unknown_cost() -> None:
    lost = Sent(status=None, started_at=NOW, ended_at=NOW, error_kind=WRITTEN_OFF, batched=True)
    (extra,) = Late().comes(lost).extra_sends
    assert (extra.reason, extra.cost) == ("written off: what came of its batch cannot be read", None)


def test_a_record_that_has_its_shadow_already_stays_and_teaches_nothing_again() -> None:
    late = Late()
    late.call = late.comes(_said("spam"))
    assert late.comes(_said("spam")) is late.call
    assert late.gate.test.n == 1


_TEXTS = st.sampled_from(
    ["spam", " spam", "ham", '{"a":1,"b":[2]}', '{"b":[2.0],"a":1.0}', '{"a":true}', "1", "[]", "{}"]
)


@settings(max_examples=200, deadline=None)
@given(_TEXTS, _TEXTS, st.booleans())
def test_digests_score_a_pair_as_the_answers_would(shown: str, other: str, passes: bool) -> None:
    live = pair_score(Answer(text=shown), Answer(text=other), reference_passes=passes)
    fields = field_digests(Answer(text=shown), "c")
    pair = msgspec.structs.replace(PAIR, digest=answer_digest(Answer(text=shown)), passes=passes, fields=fields)
    assert late_score(pair, Answer(text=other)) == live
    without = late_score(msgspec.structs.replace(pair, fields=None), Answer(text=other))
    assert without.difference <= live.difference
