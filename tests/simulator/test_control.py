from __future__ import annotations

from typing import Any

import msgspec
import pytest

from penstock.simulator.clock import ManualClock
from penstock.simulator.control import answer
from penstock.simulator.provider import Provider
from tests.simulator.asking import messages, send


def ask(provider: Provider, clock: ManualClock, method: str, name: str, body: Any = None) -> tuple[int, Any]:
    raw = b"" if body is None else msgspec.json.encode(body)
    status, found = answer(provider, clock, method, f"/__simulator/{name}", raw)
    return status, msgspec.json.decode(found)


def test_the_clock_is_read_and_moved(provider: Provider) -> None:
    clock = ManualClock(100.0)
    assert ask(provider, clock, "GET", "clock") == (200, {"now": 100.0})
    assert ask(provider, clock, "POST", "clock", {"advance": 5}) == (200, {"now": 105.0})
    assert ask(provider, clock, "POST", "clock", {"set": 200}) == (200, {"now": 200.0})
    assert clock.now() == 200.0


def test_faults_are_added_listed_and_cleared(provider: Provider) -> None:
    clock = ManualClock()
    assert ask(provider, clock, "POST", "faults", {"spec": "429@nth=1"})[0] == 200
    status, listed = ask(provider, clock, "POST", "faults", {"spec": "529"})
    assert status == 200
    assert [rule["fault"]["kind"] for rule in listed["rules"]] == ["429", "529"]
    assert ask(provider, clock, "POST", "faults", {"spec": "", "replace": True}) == (200, {"rules": []})
    assert ask(provider, clock, "GET", "faults") == (200, {"rules": []})


def test_statistics_and_the_bill_can_be_read_and_reset(provider: Provider) -> None:
    clock = ManualClock()
    send(provider, "/v1/messages", messages())
    send(provider, "/v1/messages", messages(max_tokens=None))
    stats = ask(provider, clock, "GET", "stats")[1]
    assert (stats["requests"], stats["statuses"]) == (2, {"200": 1, "400": 1})
    assert stats["bill"]["calls"] == 1
    (call,) = ask(provider, clock, "GET", "bill")[1]["calls"]
    assert call["usage"]["input_uncached"] > 0
    assert ask(provider, clock, "POST", "reset")[0] == 200
    assert ask(provider, clock, "GET", "bill")[1] == {"calls": []}


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("POST", "clock", {}, 400),
        ("POST", "clock", {"advance": 1, "set": 1}, 400),
        ("POST", "clock", {"advance": -1}, 400),
        ("POST", "clock", {"advance": "soon"}, 400),
        ("POST", "clock", None, 400),
        ("POST", "faults", {"spec": "meteor"}, 400),
        ("GET", "nothing", None, 404),
        ("DELETE", "bill", None, 404),
    ],
)
def test_mistakes_are_answered_and_change_nothing(
    provider: Provider, method: str, name: str, body: Any, status: int
) -> None:
    clock = ManualClock(100.0)
    found, told = ask(provider, clock, method, name, body)
    assert found == status
    assert told["error"]
    assert clock.now() == 100.0
