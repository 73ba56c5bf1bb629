"""What ``/metrics`` and the log say about the provider's cache keeping to the rules (`evidence.drift`)."""

from __future__ import annotations

from collections.abc import Callable

from penstock.engine.record import Call
from penstock.evidence.drift import DriftBook
from penstock.gateway.logs import Log
from penstock.gateway.metrics import Gauge
from penstock.telemetry.names import DRIFT, FORESEEN, PROMISES, REPORTED


def drift_gauges(book: DriftBook, now: float) -> list[Gauge]:
    """This process's sums by model, and which models the cache lever leaves alone now (seconds since the epoch)."""
    found: list[Gauge] = []
    for model, sums in book.own().items():
        label = ("model", model)
        for kind, promised, kept in (
            ("read", sums.reads, sums.reads_kept),
            ("cached", sums.cached, sums.cached_kept),
        ):
            found.append((PROMISES, (label, ("kind", kind), ("kept", "yes")), kept))
            found.append((PROMISES, (label, ("kind", kind), ("kept", "no")), promised - kept))
        for kind, foreseen, reported in (
            ("read", sums.foreseen_read, sums.read),
            ("write", sums.foreseen_write, sums.write),
        ):
            found.append((FORESEEN, (label, ("kind", kind)), foreseen))
            found.append((REPORTED, (label, ("kind", kind)), reported))
        found.append((DRIFT, (label,), float(book.standing(model, now) is not None)))
    return found


def alarm_log(log: Log) -> Callable[[Call], None]:
    """A listener that logs the alarm that a call raised."""

    def heard(call: Call) -> None:
        if call.alarm:
            log.warning("cache drift", call=call.id, model=call.model_sent, why=call.alarm)

    return heard
