"""What a caller is told about its call: the ``x-penstock-*`` response headers (design, section 5)."""

from __future__ import annotations

from penstock.engine.plan import Plan
from penstock.engine.record import Call
from penstock.money import Picodollars, exact_usd


def report_headers(call: Call | None, plan: Plan | None, *, call_id: str = "", model: str = "") -> dict[str, str]:
    """Our response headers, by lower-case name.

    Args:
        call: the record, or None while the call runs; then no cost is told.
        plan: of the call, or None.
        call_id: for a call without a record yet.
        model: the same.
    """
    headers = {"x-penstock-call-id": call.id if call is not None else call_id}
    if plan is not None:
        headers["x-penstock-plan"] = plan.header()
    sent_to = call.model_sent if call is not None else model
    if sent_to.isprintable() and sent_to.isascii() and sent_to:
        headers["x-penstock-model"] = sent_to
    if call is not None:
        headers["x-penstock-cost-usd"] = _text(call.cost_all)
        headers["x-penstock-saved-usd"] = _text(call.saved)
    return headers


def _text(amount: Picodollars | None) -> str:
    return "unknown" if amount is None else exact_usd(amount)
