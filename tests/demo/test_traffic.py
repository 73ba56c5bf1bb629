from __future__ import annotations

from penstock.client import Penstock
from penstock.demo.traffic import send_observed, send_to_gateway
from penstock.demo.workloads import traffic
from penstock.policy.schema import Policy
from penstock.simulator.clock import ManualClock
from penstock.simulator.server import running

START = 1_795_165_200.0


def test_observed_calls_leave_as_the_programs_wrote_them_and_are_labelled() -> None:
    calls = traffic(1, START, 600.0, scale=0.02)
    clock, steps = ManualClock(START), []
    with running(clock=clock) as simulator:
        urls = {"openai_base_url": simulator.openai_base_url, "anthropic_base_url": simulator.base_url}
        with Penstock(Policy(mode="observe"), clock=clock.now, **urls) as penstock:
            send_observed(calls, penstock, clock, lambda: steps.append(1))
            assert [call.task for call in penstock.calls] == [call.task for call in calls]
            assert {call.arm for call in penstock.calls} == {"observe"}
        assert not any(b"cache_control" in request.body for request in simulator.requests)
    assert len(steps) == len(calls)


def test_through_a_gateway_only_the_base_url_and_two_labels_differ() -> None:
    calls = traffic(1, START, 600.0, scale=0.02)
    clock = ManualClock(START)
    with running(clock=clock) as simulator:  # stands where the gateway would: it shows what it was sent
        send_to_gateway(calls, simulator.base_url, clock, lambda: None)
        sent = simulator.requests
    assert [request.headers["x-penstock-task"] for request in sent] == [call.task for call in calls]
    assert [request.headers["x-penstock-session"] for request in sent] == [call.session for call in calls]
