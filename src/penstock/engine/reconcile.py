"""Every answered call is compared with what the cache model foresaw for it (`evidence.reconcile`, `evidence.drift`)."""

from __future__ import annotations

from penstock.engine.attempt import Attempt
from penstock.engine.record import Call
from penstock.evidence.drift import DriftBook
from penstock.evidence.reconcile import Compared, compare
from penstock.models.catalog import profile_of
from penstock.models.names import resolve
from penstock.models.profile import Profile, Regime
from penstock.unknown import Unknown
from penstock.wire.diagnostics import Diagnosis
from penstock.wire.usage import Usage

KEPT: dict[Regime, float] = {Regime.ANTHROPIC: 0.9, Regime.OPENAI_BREAKPOINTS: 0.7}
"""The share of promises that a provider should keep. Anthropic documents lifetimes; so does OpenAI from gpt-5.6 on, but
its entries live on one machine, and busy traffic overflows to others (provider-semantics 2.1). Before gpt-5.6 nothing
is promised."""


def reconcile(
    attempt: Attempt, predicted: Usage | None, task: str, book: DriftBook, diagnosis: Diagnosis | None = None
) -> str:
    """Count an attempt in the book; the arithmetic of the alarm that it raises, or an empty string.

    Args:
        attempt: whose answer the caller got.
        predicted: the prompt's split as foreseen for its bytes, or None.
        task: name or fingerprint.
        book: changed in place.
        diagnosis: what the provider itself says of the prompt's reuse, or None.
    """
    if predicted is None or attempt.usage is None or not attempt.accepted or attempt.view is None:
        return ""
    profile = profile_of(attempt.view.model)
    if isinstance(profile, Unknown) or _another_answered(attempt, profile):
        return ""
    one = _compared(predicted, attempt.usage, profile)
    if one is None:
        return ""
    said = "" if diagnosis is None else diagnosis.word
    kept = KEPT.get(profile.regime)
    alarm = book.observe(task, profile.model, one, attempt.sent.started_at, kept=kept, said=said)
    return "" if alarm is None else alarm.why


def reconciled(call: Call) -> Compared | None:
    """The comparison of a recorded call; None when it says nothing."""
    if call.predicted is None or call.usage is None or call.status is None or not 200 <= call.status < 300:  # noqa: PLR2004 - HTTP
        return None
    profile = profile_of(call.model_sent)
    return None if isinstance(profile, Unknown) else _compared(call.predicted, call.usage, profile)


def _compared(predicted: Usage, reported: Usage, profile: Profile) -> Compared | None:
    minimum = profile.minimum_prefix
    return None if isinstance(minimum, Unknown) else compare(predicted, reported, minimum)


def _another_answered(attempt: Attempt, profile: Profile) -> bool:
    """Whether the answer names another model than was asked, such as one that stood in for it."""
    if attempt.answer is None or not attempt.answer.model or resolve(attempt.answer.model) is None:
        return False
    answered = profile_of(attempt.answer.model)
    return isinstance(answered, Unknown) or answered.model != profile.model
