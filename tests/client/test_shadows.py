"""The quality gate end to end: the SDK, the engine and the simulator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.client import Penstock
from penstock.client.core import Core
from penstock.client.shadows import MOST, AsyncShadows, ThreadedShadows
from penstock.engine.context import EngineContext
from penstock.engine.steps import Graded, Sent
from penstock.evidence.gate import State
from penstock.ledger.books import Books
from penstock.policy.load import load_policy
from penstock.policy.schema import Policy
from penstock.simulator.config import Config
from penstock.simulator.reply import Reply
from penstock.simulator.server import Simulator, running
from penstock.wire.view import View

STRONG, CHEAP = "claude-opus-5-5", "claude-haiku-4-5"
FAST: dict[str, Any] = {"api_key": "sk-test", "max_retries": 0}
POLICY = load_policy(
    f"""
mode = "apply"
holdback.share = 0.0
levers.cache = false
[tasks.label.gate]
candidate = "{CHEAP}"
eps = 0.2
n_min = 10
min_days = 0.0
shadow_share = 1.0
watch_share = 1.0
canary_calls = 0
"""
)
ASK: dict[str, Any] = {"model": STRONG, "max_tokens": 4096, "messages": [{"role": "user", "content": "Label it."}]}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running() as running_simulator:
        yield running_simulator


def _penstock(simulator: Simulator) -> Penstock:
    return Penstock(POLICY, anthropic_base_url=simulator.base_url, clock=simulator.clock.now)


@pytest.mark.parametrize("stream", [False, True])
def test_a_sync_call_gets_its_answer_and_the_shadow_is_booked(simulator: Simulator, stream: bool) -> None:
    penstock = _penstock(simulator)
    with penstock.task("label"), penstock.anthropic(**FAST) as client:
        if stream:
            assert list(client.messages.create(**ASK, stream=True))
        else:
            assert client.messages.create(**ASK).model.startswith(STRONG)
    (call,) = penstock.calls
    (extra,) = call.extra_sends
    assert (extra.purpose, extra.model, extra.status) == ("shadow", CHEAP, 200)
    assert call.cost is not None
    assert extra.cost is not None
    assert call.cost_all == sum(billed.cost for billed in simulator.bill)
    assert penstock.context.failures == {}
    assert penstock.close()


async def test_an_async_call_does_the_same(simulator: Simulator) -> None:
    penstock = _penstock(simulator)
    async with penstock.async_anthropic(**FAST) as client:
        with penstock.task("label"):
            await client.messages.create(**ASK)
    (call,) = penstock.calls
    assert [extra.purpose for extra in call.extra_sends] == ["shadow"]
    assert penstock.close()


class _Call:
    def __init__(self) -> None:
        self.ended: list[str] = []

    def after(self, result: Sent | Graded) -> None:
        self.ended.append("recorded")

    def give_up(self) -> None:
        self.ended.append("given up")


def _core() -> Core:
    return Core(EngineContext(Policy()), Books(), clock=lambda: 7.0, ids=lambda: "c")


def test_a_shadow_that_fails_or_one_too_many_leaves_the_call_recorded_once() -> None:
    core = _core()
    shadows, gate, broken = ThreadedShadows(core), threading.Event(), _Call()

    def fail() -> None:
        raise KeyError("secret")

    assert shadows.start(broken, fail)
    shadows.close()
    assert broken.ended == ["given up"]
    assert core.context.failures == {"shadow: KeyError": 1}
    calls = [_Call() for _ in range(MOST)]
    assert all(shadows.start(call, gate.wait) for call in calls)  # type: ignore[arg-type] - its result is not read
    assert not shadows.start(_Call(), gate.wait)  # type: ignore[arg-type] - as above
    gate.set()
    shadows.close()
    assert all(call.ended == ["given up"] for call in calls)


async def test_what_waits_at_the_close_is_recorded_without_its_shadow() -> None:
    core, call = _core(), _Call()
    shadows = AsyncShadows(core)
    assert shadows.start(call, asyncio.Event().wait)  # type: ignore[arg-type] - its result is not read
    for closing in core.closing:
        closing()
    assert call.ended == ["given up"]
    shadows.end(call)
    assert shadows.after(call, Graded(None)) is None
    assert call.ended == ["given up"]
    for task in shadows._tasks:
        task.cancel()


def test_a_model_that_answers_alike_is_promoted_and_serves() -> None:
    with running(Config(responder=lambda *_: Reply(text="spam", output_tokens=2))) as simulator:
        penstock = _penstock(simulator)
        served = []
        with penstock.task("label"), penstock.anthropic(**FAST) as client:
            for _ in range(60):
                served.append(client.messages.create(**ASK).model)
                if served[-1].startswith(CHEAP):
                    break
        assert penstock.context.gates.book.gates["label"][CHEAP].state is State.PROMOTED
        penstock.close()
    assert served[0].startswith(STRONG)
    assert served[-1].startswith(CHEAP)


def test_with_a_ledger_what_was_earned_outlasts_the_process(tmp_path: Path) -> None:
    ledger = tmp_path / "l.db"
    with running(Config(responder=lambda *_: Reply(text="spam", output_tokens=2))) as simulator:
        served = []
        for _ in range(60):  # a new process for each call
            penstock = Penstock(POLICY, anthropic_base_url=simulator.base_url, clock=simulator.clock.now, ledger=ledger)
            with penstock.task("label"), penstock.anthropic(**FAST) as client:
                served.append(client.messages.create(**ASK).model)
            assert penstock.close()
            if served[-1].startswith(CHEAP):
                break
    assert served[0].startswith(STRONG)
    assert served[-1].startswith(CHEAP)


SCORED = f"""
mode = "apply"
holdback.share = 0.0
[tasks.label.gate]
candidate = "{CHEAP}"
shadow_share = 1.0
"""
GRADED = 'grader = "python:tests.grading.samples:lenient"'


@pytest.mark.parametrize(
    ("more", "purposes"), [('judge = "claude-sonnet-5-5"', ["shadow", "judge"]), (GRADED, ["shadow"])]
)
def test_a_pair_that_differs_is_judged_or_graded_beside_the_call(more: str, purposes: list[str]) -> None:
    def respond(view: View, digest: bytes) -> Reply:
        text = {STRONG: "It is spam.", CHEAP: "Spam!"}.get(view.model, "tie")
        return Reply(text=text, output_tokens=5)

    policy = load_policy(SCORED + more)
    with running(Config(responder=respond)) as simulator:
        penstock = Penstock(policy, anthropic_base_url=simulator.base_url, clock=simulator.clock.now)
        with penstock.task("label"), penstock.anthropic(**FAST) as client:
            client.messages.create(**ASK)
        (call,) = penstock.calls
        assert call.cost_all == sum(billed.cost for billed in simulator.bill)
        assert penstock.close()
    assert [extra.purpose for extra in call.extra_sends] == purposes
    assert call.extra_sends[0].reason.startswith("agreed (")
    assert penstock.context.failures == {}


async def test_the_same_in_an_event_loop() -> None:
    policy = load_policy(SCORED + GRADED)
    with running(Config(responder=lambda view, _: Reply(text=view.model, output_tokens=5))) as simulator:
        penstock = Penstock(policy, anthropic_base_url=simulator.base_url, clock=simulator.clock.now)
        async with penstock.async_anthropic(**FAST) as client:
            with penstock.task("label"):
                await client.messages.create(**ASK)
        (call,) = penstock.calls
        assert penstock.close()
    assert [extra.reason for extra in call.extra_sends] == ["agreed (grader)"]


def test_a_trim_is_shadowed_and_only_served_when_it_was_promoted() -> None:
    edits = '[tasks.label.trim]\ntop_k = 2\n[tasks.label.gate]\nedits = ["trim"]\nwatch_share = 1.0\n'
    policy = load_policy(f'mode = "apply"\nholdback.share = 0.0\nlevers.cache = false\n{edits}shadow_share = 1.0\n')
    passages = "\n".join(f"<document>{word * 60}</document>" for word in ("one ", "two ", "three "))
    asked = {**ASK, "messages": [{"role": "user", "content": f"{passages}\nWhich?"}]}
    with running(Config(responder=lambda *_: Reply(text="one", output_tokens=2))) as simulator:
        penstock = Penstock(policy, anthropic_base_url=simulator.base_url, clock=simulator.clock.now)
        for promoted in (False, True):
            if promoted:
                at = simulator.clock.now()
                penstock.context.gates.book.promote("label", "trim", at=at, by="ann", why="read them")
            with penstock.task("label"), penstock.anthropic(**FAST) as client:
                client.messages.create(**asked)
        sent = [b"three three" in one.body for one in simulator.provider.logged()]
        assert sent == [True, False, False, True]
        assert [call.extra_sends[0].model for call in penstock.calls] == [STRONG, STRONG]
        penstock.close()
