from __future__ import annotations

import http.client
import socket
import threading

import anthropic
import msgspec
import openai
import pytest

from penstock.simulator.clock import RealClock
from penstock.simulator.config import Config
from penstock.simulator.faults import Fault, FaultRule
from penstock.simulator.server import Simulator, running
from tests.simulator.asking import CLAUDE, GPT

HELLO = [{"role": "user", "content": "Hello"}]


def post(simulator: Simulator, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    connection = http.client.HTTPConnection(simulator.base_url.removeprefix("http://"), timeout=20)
    try:
        connection.request("POST", path, msgspec.json.encode(body))
        response = connection.getresponse()
        return response.status, msgspec.json.decode(response.read())
    finally:
        connection.close()


def test_a_simulator_runs_for_the_block_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    with running(Config(seed=5)) as simulator:
        with openai.OpenAI(base_url=simulator.openai_base_url, api_key="k", max_retries=0) as client:
            assert client.responses.create(model=GPT, input="Hello").output_text
        assert len(simulator.bill) == 1
        port = int(simulator.base_url.rpartition(":")[2])
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


def test_an_exception_in_the_block_stops_the_server_too() -> None:
    before = set(threading.enumerate())
    with pytest.raises(RuntimeError, match="inside"), running():
        raise RuntimeError("inside")
    assert set(threading.enumerate()) == before


def test_faults_are_injected_in_every_form(simulator: Simulator) -> None:
    simulator.inject("529@nth=1")
    simulator.inject(Fault("no-usage"))
    simulator.inject(FaultRule(fault=Fault("500"), nth=2))
    assert len(simulator.provider.faults.rules) == 3
    simulator.reset()
    assert simulator.provider.faults.rules == ()


def test_other_processes_move_the_clock_and_the_faults(
    simulator: Simulator, anthropic_sdk: anthropic.Anthropic
) -> None:
    before = simulator.clock.now()
    assert post(simulator, "/__simulator/clock", {"advance": 60}) == (200, {"now": before + 60})
    assert post(simulator, "/__simulator/faults", {"spec": "529@nth=1"})[0] == 200
    with pytest.raises(anthropic.InternalServerError):
        anthropic_sdk.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO)
    assert anthropic_sdk.messages.create(model=CLAUDE, max_tokens=9, messages=HELLO).id
    assert simulator.stats()["statuses"] == {"200": 1, "529": 1}


def test_a_real_clock_can_run_faster() -> None:
    clock = RealClock(speed=1000.0)
    with (
        running(Config(first_byte_s=20.0), clock=clock) as simulator,
        openai.OpenAI(base_url=simulator.openai_base_url, api_key="k", max_retries=0) as client,
    ):
        started = clock.now()
        client.responses.create(model=GPT, input="Hello")
        assert clock.now() - started >= 20.0
