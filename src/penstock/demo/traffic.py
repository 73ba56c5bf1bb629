"""Sends a day of the demo's programs, through the in-process client or through the gateway."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anthropic import Anthropic
from openai import OpenAI

from penstock.client import Penstock
from penstock.demo.workloads import Clients, TimedCall
from penstock.engine.labels import SIMULATED
from penstock.simulator.clock import ManualClock

KEY = "simulated-key"
Advance = Callable[[], object]


def send_observed(calls: Sequence[TimedCall], penstock: Penstock, clock: ManualClock, advance: Advance) -> None:
    """The first day: the programs as they are, with clients that observe and record."""
    with (
        penstock.openai(api_key=KEY, max_retries=0) as openai,
        penstock.anthropic(api_key=KEY, max_retries=0) as anthropic,
    ):
        clients = Clients(openai=openai, anthropic=anthropic)
        for call in calls:
            clock.set(call.at)
            with penstock.task(call.task, session=call.session):
                call.send(clients)
            advance()


def send_to_gateway(calls: Sequence[TimedCall], base_url: str, clock: ManualClock, advance: Advance) -> None:
    """The second day: the same programs with nothing changed but their base URL and labels."""
    with (
        OpenAI(api_key=KEY, base_url=f"{base_url}/v1", max_retries=0) as openai,
        Anthropic(api_key=KEY, base_url=base_url, max_retries=0) as anthropic,
    ):
        for call in calls:
            clock.set(call.at)
            labels = {
                "x-penstock-task": call.task,
                "x-penstock-session": call.session,
                "x-penstock-tags": SIMULATED,
            }
            labelled = Clients(
                openai=openai.with_options(default_headers=labels),
                anthropic=anthropic.with_options(default_headers=labels),
            )
            call.send(labelled)
            advance()
