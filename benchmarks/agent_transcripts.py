"""Real agent conversations through client and simulator.

For each model and mean gap between the turns of a conversation, over the same requests at the same times:

    usd_none        every prompt token at the input price
    usd_automatic   the provider's automatic caching (Anthropic: the top-level marker; OpenAI: as it comes)
    usd_penstock    realised: the client applies the policy that the audit of the recorded traffic proposed
    usd_bound       clairvoyant: for each prefix node apart the cheapest sequence of plain, write and read; a prefix
                    kept alive by writing what is new beyond it is outside of that, so that a share can be above one
    projected_usd   the replay of the recorded traffic under that policy
    usd_kept_alive  with --keep-alive, on Anthropic: the same policy with `cache.keep_alive`, its requests billed too

What a first day teaches is shown apart: one half of the conversations is recorded, audited and replayed, and the other
half, which that half knows nothing of, is sent by a cold client and by one that begins with what the replay taught.

Answers are the recorded ones; billing is simulated by the documented rules with the simulator's own token counts. All
figures are the whole bill, output included.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import msgspec

from benchmarks import transcripts
from benchmarks.arrivals import FIRST_BYTE_S, Arrival, schedule
from benchmarks.kept_transcripts import Asked, Driver
from benchmarks.report import Report, arguments, progress
from penstock.audit.read import read_calls
from penstock.audit.reading import ReadReport
from penstock.audit.run import audit
from penstock.cachemodel.bound import Clairvoyant, Multipliers, Write
from penstock.cli.teach import teach
from penstock.client import Penstock
from penstock.models.catalog import profile_of
from penstock.models.prices import Prices, prices_of
from penstock.models.profile import Profile, Regime
from penstock.money import Picodollars, usd
from penstock.policy.schema import Holdback, Policy
from penstock.replay.driver import replay, replay_and_teach
from penstock.simulator.clock import ManualClock
from penstock.simulator.config import Config
from penstock.simulator.counting import TokenCounter
from penstock.simulator.provider import Provider
from penstock.simulator.reply import Reply, ToolCall, prompt_digest
from penstock.simulator.transport import SimulatorTransport
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Usage
from penstock.wire.view import View, read_request

MODELS = ("claude-opus-5-5", "gpt-6.1-sol")
GAPS_S = (30.0, 120.0, 270.0, 330.0, 900.0)
TASK = "agent"


class Request(NamedTuple):
    at: float
    body: dict[str, Any]
    session: str


class Traffic(NamedTuple):
    """The requests of one model at one pace, and the recorded answers by prompt digest."""

    model: str
    dialect: Dialect
    requests: list[Request]
    replies: dict[bytes, Reply]

    def answer(self, view: View, digest: bytes) -> Reply:
        known = self.replies.get(digest)
        if known is None:
            raise AssertionError(f"a prompt that was not recorded reached {view.model}")
        return known


def traffic_of(arrivals: list[Arrival], model: str) -> Traffic:
    """Request bodies for a model; equal prompts (trials of one task) get the first recorded answer."""
    dialect = Dialect.ANTHROPIC_MESSAGES if model.startswith("claude") else Dialect.OPENAI_CHAT
    make = transcripts.messages_body if dialect is Dialect.ANTHROPIC_MESSAGES else transcripts.chat_body
    requests, replies = [], {}
    for arrival in arrivals:
        body = make(model, arrival.conversation, arrival.turn)
        digest = prompt_digest(read_request(dialect, encoded(body)))
        replies.setdefault(digest, _reply(arrival.turn.answer))
        requests.append(Request(arrival.at, body, arrival.conversation.key))
    return Traffic(model, dialect, requests, replies)


def encoded(body: dict[str, Any]) -> bytes:
    """The bytes that the SDKs send; digests are of bytes."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _reply(answer: transcripts.Message) -> Reply:
    calls = [ToolCall(c["function"]["name"], c["function"]["arguments"]) for c in answer.get("tool_calls", [])]
    return Reply(text=answer["content"], tool_calls=tuple(calls), reasoning_tokens=0, delay=FIRST_BYTE_S)


class World(NamedTuple):
    """One simulated provider with its clock."""

    provider: Provider
    clock: ManualClock

    @property
    def bill(self) -> int:
        costs = [call.cost for call in self.provider.billed()]
        known = [cost for cost in costs if isinstance(cost, int)]
        assert len(known) == len(costs), "every model of the benchmark has a price"
        return sum(known)


def world_for(traffic: Traffic, seed: int) -> World:
    provider = Provider(Config(seed=seed, responder=traffic.answer, first_byte_s=FIRST_BYTE_S))
    return World(provider, ManualClock(traffic.requests[0].at))


def send_bare(traffic: Traffic, seed: int, extra: dict[str, Any]) -> World:
    """The requests without Penstock, each with some fields added."""
    world = world_for(traffic, seed)
    base = {"anthropic-version": "2023-06-01", "authorization": "Bearer simulated"}
    with httpx2.Client(transport=SimulatorTransport(world.provider, world.clock), base_url="http://simulated") as http:
        for request in traffic.requests:
            world.clock.set(request.at)
            response = http.post(traffic.dialect.path, json={**request.body, **extra}, headers=base)
            response.raise_for_status()
    return world


def send_through_client(
    traffic: Traffic, seed: int, policy: Policy, record: Path | None = None, ledger: Path | None = None
) -> World:
    """The requests through the official SDK on Penstock's transport."""
    world = world_for(traffic, seed)
    penstock = Penstock(
        policy,
        record=record,
        ledger=ledger,
        clock=world.clock.now,
        transport=lambda: SimulatorTransport(world.provider, world.clock),
        openai_base_url="http://simulated/v1",
        anthropic_base_url="http://simulated",
    )
    if traffic.dialect is Dialect.ANTHROPIC_MESSAGES:
        create = penstock.anthropic(api_key="simulated", max_retries=0).messages.create
    else:
        create = penstock.openai(api_key="simulated", max_retries=0).chat.completions.create
    for request in traffic.requests:
        world.clock.set(request.at)
        with penstock.task(TASK, session=request.session):
            create(**request.body)
    assert penstock.close(), "the recording is complete"
    return world


def keep_alive(traffic: Traffic, seed: int, policy: Policy) -> tuple[int, int]:
    """The bill with requests of our own between the others, picodollars, and how many of those there were."""
    world = world_for(traffic, seed)
    cache = msgspec.structs.replace(policy.defaults.cache, keep_alive=True)
    defaults = msgspec.structs.replace(policy.defaults, cache=cache)
    tasks = {
        name: msgspec.structs.replace(task, cache=msgspec.structs.replace(task.cache, keep_alive=True))
        for name, task in policy.tasks.items()
    }
    driver = Driver(msgspec.structs.replace(policy, defaults=defaults, tasks=tasks), world.provider, TASK)
    asked = [Asked(request.at, encoded(request.body), request.session) for request in traffic.requests]
    driver.send(traffic.dialect, asked)
    return world.bill, driver.kept_alive


def bound_of(traffic: Traffic, usages: list[Usage]) -> tuple[int, int]:
    """The bill without any caching and the clairvoyant bound, picodollars, by the simulator's own token counts."""
    profile, prices = _model(traffic)
    multipliers = _multipliers(profile, prices)
    clairvoyant, counter = Clairvoyant(multipliers), TokenCounter()
    none = 0
    for request, usage in zip(traffic.requests, usages, strict=True):
        view = read_request(traffic.dialect, encoded(request.body))
        tokens = counter.segments(view, profile)
        chain = [(segment.prefix, count) for segment, count in zip(view.segments, tokens, strict=True)]
        clairvoyant.add(request.at, chain)
        assert sum(tokens) == usage.input_total, "bound and bill count the same tokens"
        none += usage.input_total * prices.input + usage.output * prices.output
    output = sum(usage.output for usage in usages) * prices.output
    return none, round(clairvoyant.cost()) + output


def _model(traffic: Traffic) -> tuple[Profile, Prices]:
    profile = profile_of(traffic.model)
    prices = prices_of(traffic.model, at=datetime.fromtimestamp(traffic.requests[0].at, UTC), prompt_tokens=10_000)
    assert isinstance(profile, Profile)
    assert isinstance(prices, Prices)
    return profile, prices


def _multipliers(profile: Profile, prices: Prices) -> Multipliers:
    if profile.regime is Regime.ANTHROPIC:
        writes = [Write(300.0, prices.cache_write_5m), Write(3600.0, prices.cache_write_1h)]
    else:
        writes = [Write(1800.0, prices.cache_write_30m)]
    return Multipliers(read=prices.cache_read, writes=tuple(writes), plain=prices.input)


def run(traffic: Traffic, gap_s: float, seed: int, folder: Path, *, kept: bool = False) -> dict[str, Any]:
    """One row of the result."""
    log = folder / f"{traffic.model}-{gap_s:.0f}.jsonl"
    recorded = send_through_client(traffic, seed, Policy(mode="observe"), log)
    usages = [call.usage for call in recorded.provider.billed()]
    none, bound = bound_of(traffic, usages)
    anthropic = traffic.dialect is Dialect.ANTHROPIC_MESSAGES
    automatic = send_bare(traffic, seed, {"cache_control": {"type": "ephemeral"}}) if anthropic else recorded

    policy = _proposed(log, traffic)
    projected = replay(read_calls([log], ReadReport()), policy)
    realised = send_through_client(traffic, seed, policy)
    extra: dict[str, Any] = {}
    if kept and anthropic:
        bill, own = keep_alive(traffic, seed, policy)
        extra = {
            "usd_kept_alive": _usd(bill),
            "share_of_bound_kept_alive": round((none - bill) / (none - bound), 4),
            "kept_alive_requests": own,
        }
    return {
        "model": traffic.model,
        "gap_s": gap_s,
        "requests": len(traffic.requests),
        **extra,
        "usd_none": _usd(none),
        "usd_automatic": _usd(automatic.bill),
        "usd_penstock": _usd(realised.bill),
        "usd_bound": _usd(bound),
        "share_of_bound": round((none - realised.bill) / (none - bound), 4),
        "share_of_bound_automatic": round((none - automatic.bill) / (none - bound), 4),
        "projected_usd": _usd(projected.total.projected),
        "realised_usd": _usd(realised.bill),
        "projection_error": round((projected.total.projected - realised.bill) / realised.bill, 5),
        "replayed_calls": projected.total.calls,
        "prediction_error_as_recorded": projected.prediction_error,
    }


def _proposed(log: Path, traffic: Traffic) -> Policy:
    """What the audit of a log proposes, applied to every call, but for what has to earn its task by a gate first."""
    proposed = audit([log], now=datetime.fromtimestamp(traffic.requests[0].at, UTC)).policy
    at_once = {name: task.at_once() for name, task in proposed.tasks.items()}
    return msgspec.structs.replace(proposed, mode="apply", holdback=Holdback(share=0.0), tasks=at_once)


def second_day(first: Traffic, second: Traffic, gap_s: float, seed: int, folder: Path) -> dict[str, Any]:
    """The second half of the conversations, cold and after the first half has taught."""
    log, ledger = folder / "first.jsonl", folder / "taught.sqlite"
    for old in folder.glob("first*"), folder.glob("taught*"):
        for path in old:
            path.unlink()
    send_through_client(first, seed, Policy(mode="observe"), log)
    policy = _proposed(log, first)
    _, prior = replay_and_teach(read_calls([log], ReadReport()), policy)
    teach(ledger, prior)
    recorded = send_through_client(second, seed, Policy(mode="observe"))
    none, bound = bound_of(second, [call.usage for call in recorded.provider.billed()])
    cold = send_through_client(second, seed, policy).bill
    warm = send_through_client(second, seed, policy, ledger=ledger).bill
    return {
        "model": second.model,
        "gap_s": gap_s,
        "requests_first": len(first.requests),
        "requests": len(second.requests),
        "usd_none": _usd(none),
        "usd_cold": _usd(cold),
        "usd_warm": _usd(warm),
        "usd_bound": _usd(bound),
        "share_of_bound_cold": round((none - cold) / (none - bound), 4),
        "share_of_bound_warm": round((none - warm) / (none - bound), 4),
    }


def _usd(amount: int) -> float:
    return float(usd(Picodollars(amount)))


def rows(options: argparse.Namespace) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A row for each model and pace: of all conversations, and of the second half after the first has taught."""
    conversations = transcripts.load(options.data)
    whole, halves = [], []
    with tempfile.TemporaryDirectory() as folder:
        for gap_s in options.gaps:
            every, first, second = (
                schedule(some, gap_s, options.seed) for some in (conversations, conversations[::2], conversations[1::2])
            )
            for model in options.models:
                row = run(traffic_of(every, model), gap_s, options.seed, Path(folder), kept=options.keep_alive)
                progress(f"{model} gap {gap_s:.0f} s: {row['share_of_bound']:.1%} of the bound")
                whole.append(row)
                pair = traffic_of(first, model), traffic_of(second, model)
                halves.append(second_day(*pair, gap_s, options.seed, Path(folder)))
    return whole, halves


def main() -> None:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=MODELS)
    parser.add_argument("--keep-alive", action="store_true", help="the policy with requests of our own too")
    parser.add_argument("--gaps", nargs="+", type=float, default=GAPS_S, help="mean seconds between turns")
    options = parser.parse_args()
    report = Report("agent_transcripts", options.seed)
    whole, halves = rows(options)
    report.emit(billing="simulated by the documented rules", runs=whole, second_day=halves)


if __name__ == "__main__":
    main()
