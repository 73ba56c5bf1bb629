"""The detectors. To add one: one file with ``KINDS`` and ``find``, one line here, one mirrored test."""

from __future__ import annotations

from collections.abc import Callable

from penstock.audit.detectors import (
    long_answers,
    long_context,
    long_history,
    model_mix,
    never_cached,
    output_cap,
    repeats,
    static_block,
    unread_writes,
    volatile_prefix,
)
from penstock.audit.finding import Finding, by_size
from penstock.audit.gather import AuditInput

Detector = Callable[[AuditInput], list[Finding]]

DETECTORS: tuple[Detector, ...] = (
    never_cached.find,
    unread_writes.find,
    volatile_prefix.find,
    output_cap.find,
    static_block.find,
    long_context.find,
    long_history.find,
    long_answers.find,
    model_mix.find,
    repeats.find,
)

KINDS: dict[str, str] = {
    **never_cached.KINDS,
    **unread_writes.KINDS,
    **volatile_prefix.KINDS,
    **output_cap.KINDS,
    **static_block.KINDS,
    **long_context.KINDS,
    **long_history.KINDS,
    **long_answers.KINDS,
    **model_mix.KINDS,
    **repeats.KINDS,
}
"""Every kind of finding in a few words."""


def find_all(data: AuditInput, detectors: tuple[Detector, ...] = DETECTORS) -> list[Finding]:
    """What all detectors find, savings first, the largest first."""
    found = [finding for detector in detectors for finding in detector(data)]
    return sorted(found, key=by_size)
