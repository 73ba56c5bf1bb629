from __future__ import annotations

from collections.abc import Iterator

from penstock.gateway.added import Added
from penstock.gateway.metrics import Metrics
from penstock.telemetry.names import ADDED


def sums(metrics: Metrics) -> dict[str, float]:
    """What was added, by part."""
    lines = [line for line in metrics.text().splitlines() if line.startswith(f"{ADDED}_sum")]
    return {line.split('"')[1]: float(line.rpartition(" ")[2]) for line in lines}


def watch(*times: float) -> Added:
    """A watch that is looked at in these moments."""
    moments: Iterator[float] = iter(times)
    return Added(lambda: next(moments))


def test_what_the_gateway_does_before_and_after_the_provider_is_its_own() -> None:
    metrics, added = Metrics(), watch(10.0, 12.0, 20.0, 21.0)
    added.sent(0.0)
    added.answered()
    added.over(metrics, 0.0)
    assert sums(metrics) == {"gateway": 3.0}


def test_of_a_stream_only_what_comes_before_it_counts() -> None:
    metrics, added = Metrics(), watch(10.0, 12.0)
    added.sent(0.0)
    added.over(metrics, 0.0)
    assert sums(metrics) == {"gateway": 2.0}


def test_waits_for_a_sibling_and_for_room_are_counted_apart() -> None:
    metrics, added = Metrics(), watch(10.0, 20.0)
    added.held_s = 4.0
    added.sent(5.0)
    added.over(metrics, 6.5)  # another wait came after the provider had refused the call
    assert sums(metrics) == {"gateway": 1.0, "hold": 4.0, "queue": 6.5}


def test_another_request_of_the_same_call_is_no_delay_of_the_gateway_s() -> None:
    metrics, added = Metrics(), watch(10.0, 12.0, 20.0, 30.0, 31.0)
    added.sent(0.0)
    added.answered()
    added.sent(0.0)
    added.answered()
    added.over(metrics, 0.0)
    assert sums(metrics) == {"gateway": 3.0}


def test_to_a_call_that_was_not_sent_nothing_was_added() -> None:
    metrics, added = Metrics(), watch(10.0)
    added.over(metrics, 3.0)
    assert sums(metrics) == {}
