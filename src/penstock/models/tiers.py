"""Which tier a call was billed at: what the response says, else what the request asked for (provider-semantics 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from penstock.wire.dialect import Dialect

Processing = Literal["standard", "batch", "flex", "fast"]


class Tier(msgspec.Struct, frozen=True):
    """How a request was processed, as the provider bills it.

    Attributes:
        processing: ``standard``, ``batch``, ``flex`` (OpenAI) or ``fast`` (OpenAI's priority, Anthropic's speed).
        geo: the region that the request was bound to (``us``), or None for the provider's choice.
    """

    processing: Processing = "standard"
    geo: str | None = None


STANDARD = Tier()

_OPENAI: Mapping[str, Processing] = {"flex": "flex", "priority": "fast", "fast": "fast", "batch": "batch"}


def tier_of(
    dialect: Dialect,
    request_fields: Mapping[str, Any],
    response_fields: Mapping[str, Any] | None = None,
    *,
    batch: bool = False,
) -> Tier:
    """The tier to bill a call at.

    Args:
        dialect: the API of the call.
        request_fields: decoded top-level fields of the request; only ``service_tier``, ``speed`` and
            ``inference_geo`` are read.
        response_fields: decoded top-level fields of the response (with its ``usage`` object), or None where there is
            none. A downgraded request is billed as what the response reports.
        batch: the call went through a batch API, which neither body has to say.
    """
    usage = (response_fields or {}).get("usage")
    reported: Mapping[str, Any] = {**(response_fields or {}), **(usage if isinstance(usage, Mapping) else {})}
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return _anthropic(request_fields, reported, batch=batch)
    asked = reported.get("service_tier") or request_fields.get("service_tier")
    processing = _OPENAI.get(asked, "standard") if isinstance(asked, str) else "standard"
    return Tier("batch" if batch else processing)


def tier_labelled(label: str) -> Tier | None:
    """The tier of a record's label (``fast``, ``batch/us``); None for one that is none of ours."""
    processing, _, geo = label.partition("/")
    for known in get_args(Processing):
        if processing == known:
            return Tier(known, geo or None)
    return None


def _anthropic(request: Mapping[str, Any], reported: Mapping[str, Any], *, batch: bool) -> Tier:
    geo = _text(reported, "inference_geo") or _text(request, "inference_geo")
    region = None if geo in ("global", "not_available") else geo
    if batch or reported.get("service_tier") == "batch":
        return Tier("batch", region)
    speed = _text(reported, "speed") or _text(request, "speed")
    return Tier("fast" if speed == "fast" else "standard", region)


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    return value if isinstance(value, str) and value else None
