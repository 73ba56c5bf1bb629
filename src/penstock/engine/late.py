"""What a batched shadow comes to whose process ended before its batch did."""

from __future__ import annotations

from collections import Counter

import msgspec

from penstock.engine.attempt import Attempt, read_attempt
from penstock.engine.context import EngineContext
from penstock.engine.pending import WAITS, PendingPair
from penstock.engine.record import Call, ExtraSend
from penstock.engine.steps import WRITTEN_OFF, Send, Sent
from penstock.engine.trial import same_model
from penstock.evidence.scores import PairScore, answer_digest, f1, field_digests
from penstock.models.tiers import Tier
from penstock.wire.answer import Answer

_WRITTEN_OFF = "written off: what came of its batch cannot be read"
_UNGRADED = "not scored: it differed, and after a restart there was no text left to grade"
_NO_ANSWER = "not compared: the shadow was not answered"


def settled_late(pending: PendingPair, call: Call, sent: Sent, context: EngineContext) -> Call:
    """The call's record with what the shadow cost and said; the gate is told the score.

    Args:
        pending: as it was kept.
        call: the record that says that a shadow waits.
        sent: what came of it.
        context: whose gates are told.
    """
    waits = [one for one in call.extra_sends if one.purpose == "shadow" and one.reason.startswith(WAITS)]
    if not waits and any(one.purpose == "shadow" for one in call.extra_sends):
        return call  # what came of it is in the books already
    send = Send(body=b"", model=pending.asked, dialect=pending.dialect, purpose="shadow")
    asked = read_attempt(send, None, sent, Tier("batch", pending.geo))
    if asked.cost is not None:
        context.gates.spend_for(pending.task, pending.candidate, asked.cost, pending.at)
    reason = _told(pending, asked, context)
    extra = ExtraSend(
        purpose="shadow",
        model=pending.asked,
        reason=reason,
        status=sent.status,
        usage=asked.usage,
        cost=asked.cost,
    )
    others = [one for one in call.extra_sends if one not in waits]
    return msgspec.structs.replace(call, extra_sends=(*others, extra))


def _told(pending: PendingPair, asked: Attempt, context: EngineContext) -> str:
    answer = asked.answer
    if asked.sent.error_kind == WRITTEN_OFF:
        return _WRITTEN_OFF
    if not asked.accepted or answer is None:
        return _NO_ANSWER
    if answer.model and not same_model(answer.model, pending.asked):
        return "not compared: another model answered"
    score = late_score(pending, answer)
    versions = {"reference": pending.version, "candidate": pending.version}
    versions["candidate" if pending.shown == "reference" else "reference"] = answer.model
    told = context.gates.late(
        pending, score, reference=versions["reference"], candidate=versions["candidate"], policy=context.policy
    )
    if not told:
        return "not compared: its gate began anew, is held, or has no part in the policy any more"
    if not score.known:
        return _UNGRADED
    if score.difference < 0.0:
        return f"disagreed by {-score.difference:.2f} ({score.rule}, after a restart)"
    return f"agreed ({score.rule}, after a restart)"


def late_score(pending: PendingPair, answer: Answer) -> PairScore:
    """The score of a pair by the digests of the answer that was shown."""
    whole = bool(answer.text.strip() or answer.tool_calls) and not (answer.refused or answer.truncated)
    shown_reference = pending.shown == "reference"
    reference_passes, accepted = (pending.passes, whole) if shown_reference else (whole, pending.passes)
    if not reference_passes:
        return PairScore(0.0, 0.0, accepted, "validity")
    if not accepted:
        return PairScore(-1.0, 1.0, accepted, "validity")
    if answer_digest(answer) == pending.digest:
        return PairScore(0.0, 1.0, accepted, "equal")
    theirs = None if pending.fields is None else field_digests(answer, pending.call_id)
    if pending.fields is not None and theirs is not None:
        return PairScore(f1(Counter(pending.fields), Counter(theirs)) - 1.0, 1.0, accepted, "fields")
    return PairScore(-1.0, 1.0 if pending.final else None, accepted, "differ" if pending.final else "ungraded")
