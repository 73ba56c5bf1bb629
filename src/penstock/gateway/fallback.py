"""Another model of the same API for a call that its own model's provider cannot serve."""

from __future__ import annotations

from penstock.engine.steps import Send
from penstock.errors import MalformedRequest
from penstock.gateway.retry import UNHEALTHY
from penstock.levers.route.translate import Refused, translated
from penstock.models.catalog import profile_of
from penstock.unknown import Unknown
from penstock.wire.body import Operation, apply
from penstock.wire.view import read_request

_FULL = frozenset({404, 429}) | UNHEALTHY
"""Statuses that another model may not meet: gone, full, or broken."""


def worth_another(status: int | None) -> bool:
    """Whether a failed answer (None: no answer) may be different from another model."""
    return status is None or status in _FULL


def body_for(send: Send, model: str) -> bytes | None:
    """The request of a Send for another model, parameters translated; None when it cannot go there."""
    target = profile_of(model)
    if isinstance(target, Unknown) or send.plan is None:
        return None
    try:
        view = read_request(send.dialect, send.body)
        operations = translated(view, target, prompt_tokens=round(send.plan.facts.input_tokens * 1.5))
        if isinstance(operations, Refused):
            return None
        return apply(send.body, [Operation(("model",), "set", b'"' + model.encode() + b'"'), *operations])
    except (MalformedRequest, ValueError):
        return None
