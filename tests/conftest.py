"""Fixtures that any test may use: the simulated providers on loopback, and the official SDKs that talk to them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import anthropic
import openai
import pytest
from hypothesis import HealthCheck, settings

from penstock.simulator.provider import Provider
from penstock.simulator.server import Simulator, running
from tests.chromium import Chromium, why_none

KEY = "a-key-of-no-value"

# Matrices of tests are small, and workers have the cores: threads of the linear algebra would wait for each other. No
# test module, and so no numpy, has been imported yet.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# No example has a time limit: a busy machine is no failure. In CI the examples are the same in each run.
settings.register_profile(
    "penstock",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("penstock")


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[Simulator]:
    """One simulator for all tests of a worker; take ``simulator`` instead, which empties it first."""
    with running() as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """A simulator on loopback with the default settings, empty: no cache entries, bill, requests or faults.

    Its clock stands still until ``simulator.clock.advance(seconds)``. For other settings use
    ``penstock.simulator.server.running(Config(...))``.
    """
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture
def provider() -> Provider:
    """A simulated provider without sockets."""
    return Provider()


@pytest.fixture
def anthropic_sdk(simulator: Simulator) -> Iterator[anthropic.Anthropic]:
    """The official Anthropic SDK against the simulator, without retries."""
    with anthropic.Anthropic(base_url=simulator.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def openai_sdk(simulator: Simulator) -> Iterator[openai.OpenAI]:
    """The official OpenAI SDK against the simulator, without retries."""
    with openai.OpenAI(base_url=simulator.openai_base_url, api_key=KEY, max_retries=0) as client:
        yield client


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a machine where no browser can be started, the tests that look at pages in one are left out, which is said."""
    looking = [item for item in items if "chromium" in getattr(item, "fixturenames", ())]
    if looking and why_none():
        config.hook.pytest_deselected(items=looking)
        items[:] = [item for item in items if item not in looking]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if why := why_none():
        terminalreporter.write_line(f"No page was looked at in a browser: {why}")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """A headless browser for all tests of a worker that look at pages."""
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
