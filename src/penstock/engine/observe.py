"""Learning from a finished call: lengths, calibration, and the reuse of its prefixes."""

from __future__ import annotations

from penstock.engine.facts import counts_of, length_key
from penstock.evidence.store import Evidence
from penstock.levers.cache.learn import learn_reuse
from penstock.models.catalog import profile_of
from penstock.wire.answer import Answer
from penstock.wire.usage import Usage
from penstock.wire.view import View


def learn(
    evidence: Evidence,
    view: View,
    task: str,
    usage: Usage | None,
    answer: Answer | None,
    *,
    at: float,
    scope: str = "",
    capped: bool = False,
    asked_again: bool = False,
) -> None:
    """Add what an answered request shows to the evidence.

    Args:
        evidence: changed in place.
        view: the request as it was sent.
        task: its task.
        usage: what the provider reported; without it only the prompt's reuse is learnt.
        answer: how it ended; None counts as ended by itself.
        at: when the request started, seconds since the epoch.
        scope: whose cache it used.
        capped: whether it was sent under a cap of ours.
        asked_again: whether a cap of ours cut it and it is asked for again; the second try's length counts then.
    """
    profile = profile_of(view.model)
    tokens = counts_of(view, profile, evidence)
    learn_reuse(
        evidence.reuse, view, tokens.tokens, profile, task=task, scope=scope, at=at, usage=usage, ends=tokens.ends
    )
    if usage is None:
        return
    key = length_key(task, view)
    if asked_again:
        evidence.lengths.asked_again(key)
    elif usage.output > 0:
        evidence.lengths.add(key, usage.output, cut=answer is not None and answer.truncated, ours=capped)
    factor = evidence.calibration.factor(view.model)
    evidence.calibration.add(view.model, usage.input_total, tokens.total / factor)
