"""Mixed traffic for a while: every call stands in the ledger once, memory stays flat, nothing is left behind.

    python -m benchmarks.soak [--minutes 10] [--rate 25] [--seed 7] [--json]

A gateway with its ledger and a simulated provider run as processes of their own. Callers send plain and streamed calls
of all dialects, conversations that grow, embeddings, token counts and other paths; providers refuse, break off and
dawdle; callers hang up. Each call carries a number, by which ledger and bill are compared at the end.

Texts come again, as those of programs do, but for a share that nobody has sent before (``--novel``). What was learnt of
a text stays in tables of bounded size: memory grows with new texts until those are full, and must not grow with calls.
"""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.processes import Program, fetch, gateway, metrics_of, simulator
from benchmarks.raw_caller import Answer, ask
from benchmarks.report import Report, arguments, progress
from penstock.engine.record import Call
from penstock.ledger.sqlite import open_ledger

FAULTS = (
    "429=1@p=0.01;500@p=0.01;529@p=0.01;400@p=0.005;slow-first-byte=1@p=0.02;slow-stream=0.05@p=0.02;cut-stream=3@p=0.015;"
    "end-stream=3@p=0.01;error-event=3@p=0.01;malformed-chunk=3@p=0.01;unknown-event=2@p=0.01;no-usage@p=0.01;"
    "close-before-response@p=0.01;garbage@p=0.005"
)
POLICY = """
mode = "apply"
[upstream.openai]
base_url = "{url}"
[upstream.anthropic]
base_url = "{url}"
[resilience]
breaker_failures = 1000
"""
SAMPLE_S = 5.0
SETTLE_S = 55.0
"""What is waited at the end: idle connections to a provider are kept for 50 seconds."""
CONVERSATIONS, POOL = 20, 200
WARM = 0.3
"""The share of the run after which memory counts: caches of bounded size fill first."""

WORDS = ("river", "ledger", "prefix", "stone", "market", "signal", "window", "garden", "copper", "thread")


class Asked:
    """A call as its caller knows it."""

    def __init__(self, number: int, kind: str, answer: Answer) -> None:
        self.number = number
        self.kind = kind
        self.answer = answer


class Traffic:
    """Makes calls, seeded."""

    def __init__(self, url: str, seed: int, novel: float = 0.05) -> None:
        self._url = url
        self._novel = novel
        self.seed = seed
        self._draw = random.Random(seed)
        self._number = 0
        self._turns = [0] * CONVERSATIONS
        self.asked: list[Asked] = []

    async def one(self) -> None:
        draw = self._draw
        self._number += 1
        number = self._number
        kind, path, body = self._request()
        headers = {
            "authorization": "Bearer soak",
            "x-api-key": "soak",
            "anthropic-version": "2023-06-01",
            "x-penstock-task": f"task-{number % 7}",
            "x-penstock-tags": f"n={number}",
            "x-simulator-task": str(number),
        }
        leave = draw.random()
        seconds = draw.uniform(0.1, 0.6) if leave < 0.03 else None
        size = draw.randrange(1, 4000) if 0.03 <= leave < 0.07 else None
        answer = await ask(self._url, path, body, headers, leave_after_s=seconds, leave_after_bytes=size)
        self.asked.append(Asked(number, kind, answer))

    def _request(self) -> tuple[str, str, dict[str, Any] | None]:
        draw = self._draw
        stream = draw.random() < 0.5
        chosen = draw.random()
        if chosen < 0.04:
            return "other", "/v1/models", None
        if chosen < 0.08:
            return "metered", "/v1/embeddings", {"model": "text-embedding-3-small", "input": self._words(40)}
        if chosen < 0.12:
            body: dict[str, Any] = {"model": "claude-haiku-4-5", "messages": [_user(self._words(60))]}
            return "metered", "/v1/messages/count_tokens", body
        if chosen < 0.5:
            body = {"model": "claude-haiku-4-5", "max_tokens": 200, "stream": stream, **self._conversation()}
            return "planned", "/v1/messages", body
        if chosen < 0.8:
            text = draw.randrange(POOL)
            system = {"role": "system", "content": self._prompt(text % 7)}
            messages = [system, _user(self._words(30 if text % 2 else 400, text))]
            return "planned", "/v1/chat/completions", {"model": "gpt-5-mini", "stream": stream, "messages": messages}
        text = draw.randrange(POOL)
        body = {"model": "gpt-5-mini", "stream": stream, "instructions": self._prompt(text % 7)}
        return "planned", "/v1/responses", {**body, "input": self._words(100, text)}

    def _conversation(self) -> dict[str, Any]:
        """One of many conversations grows by a turn; a long one begins anew."""
        place = self._draw.randrange(CONVERSATIONS)
        turn = self._turns[place] = self._turns[place] % 20 + 1
        messages = []
        for number in range(turn):
            said = random.Random(1000 * place + number)
            messages.append(_user(" ".join(said.choices(WORDS, k=80))))
            messages.append({"role": "assistant", "content": " ".join(said.choices(WORDS, k=60))})
        messages.append(_user(self._words(40, 1000 * place + turn)))
        return {"system": self._prompt(place % 5), "messages": messages}

    def _prompt(self, number: int) -> str:
        return " ".join(random.Random(number).choices(WORDS, k=1500))

    def _words(self, count: int, text: int | None = None) -> str:
        """The text of that number, or one of the pool; or a new one."""
        if self._draw.random() < self._novel:
            return " ".join(self._draw.choices(WORDS, k=count)) + f" {self._draw.random()}"
        known = self._draw.randrange(POOL) if text is None else text
        return " ".join(random.Random(known).choices(WORDS, k=count))


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def main() -> None:
    parser = arguments(__doc__ or "", data=False)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--novel", type=float, default=0.05, help="share of texts that were never sent before")
    parser.add_argument("--rate", type=float, default=25.0, help="calls in a second")
    chosen = parser.parse_args()
    report = Report("soak", chosen.seed)
    given = ("--seed", str(chosen.seed), "--faults", FAULTS, "--tokens-per-second", "150", "--first-byte", "0.05")
    with tempfile.TemporaryDirectory() as folder, simulator(*given) as provider:
        policy, ledger = Path(folder) / "penstock.toml", Path(folder) / "calls.db"
        policy.write_text(POLICY.format(url=provider.url), encoding="utf-8")
        with gateway(policy, "--ledger", str(ledger)) as program:
            traffic = Traffic(program.url, chosen.seed, chosen.novel)
            samples = asyncio.run(run(program, traffic, chosen.minutes * 60, chosen.rate))
            metrics = metrics_of(program)
            asyncio.run(drain(program, traffic))
            status = program.stop()
        with open_ledger(ledger, create=False) as kept:
            calls = list(kept.calls())
        bill = fetch(f"{provider.url}/__simulator/bill")["calls"]
    report.emit(
        minutes=chosen.minutes,
        rate=chosen.rate,
        novel=chosen.novel,
        exit_status=status,
        **accounts(traffic.asked, calls, bill),
        **memory(samples),
        left_behind=left_behind(samples, metrics),
        failed_open={name: value for name, value in metrics.items() if name.startswith("penstock_failed_open")},
        log=Counter(line.split(" ")[2] for line in program.log if line.startswith("20")),
        samples=samples,
    )


async def run(program: Program, traffic: Traffic, seconds: float, rate: float) -> list[dict[str, float]]:
    """Calls at the rate, and a sample every few seconds; the last one when every caller has gone."""
    loop = asyncio.get_running_loop()
    draw = random.Random(traffic.seed)
    begun = loop.time()
    samples: list[dict[str, float]] = []
    running: set[asyncio.Task[None]] = set()
    due, sample = begun, begun
    while (now := loop.time()) < begun + seconds:
        while due <= now:
            task = asyncio.create_task(traffic.one())
            running.add(task)
            task.add_done_callback(running.discard)
            due += draw.expovariate(rate)
        if now >= sample:
            samples.append(await loop.run_in_executor(None, sampled, program, now - begun))
            sample += SAMPLE_S
            if len(samples) % 12 == 1:
                progress(f"{samples[-1]} calls {len(traffic.asked)}")
        await asyncio.sleep(max(0.0, min(due, sample) - loop.time()))
    await asyncio.gather(*running)
    await asyncio.sleep(SETTLE_S)
    samples.append(await loop.run_in_executor(None, sampled, program, loop.time() - begun))
    return samples


async def drain(program: Program, traffic: Traffic) -> None:
    """SIGTERM while calls run: they come to their end, and are in the ledger like all others."""
    running = [asyncio.create_task(traffic.one()) for _ in range(20)]
    await asyncio.sleep(0.4)
    program.send(signal.SIGTERM)
    await asyncio.gather(*running)


def sampled(program: Program, at_s: float) -> dict[str, float]:
    metrics = metrics_of(program)
    return {
        "at_s": round(at_s, 1),
        "pss_mb": round(program.pss_mb(), 2),
        "descriptors": program.descriptors(),
        "threads": program.threads(),
        "running": metrics["penstock_running_calls"],
        "waiting": metrics["penstock_waiting_calls"],
        "tasks": metrics["penstock_event_loop_tasks"],
        "queue": metrics['penstock_ledger_queue{file="ledger"}'],
        "cpu_s": program.cpu_s(),
    }


def accounts(asked: list[Asked], calls: list[Call], bill: list[dict[str, Any]]) -> dict[str, Any]:
    """Whether every call is in the ledger once, and what the provider billed for whole calls is what it says."""
    mine = {one.number: one for one in asked}
    rows = Counter(int(call.tags["n"]) for call in calls)
    ours = {one.number for one in asked if one.answer.headers.get("x-penstock-error") in REFUSALS}
    due = {one.number for one in asked if one.kind != "other"} - ours
    billed: dict[int, list[dict[str, Any]]] = {}
    for line in bill:
        billed.setdefault(int(line["task"]), []).append(line)
    compared = exact = 0
    wrong: list[Any] = []
    for call in calls:
        lines = billed.get(int(call.tags["n"]), [])
        if call.operation == "count_tokens" or call.cost_all is None or call.error_kind is not None:
            continue
        if not lines or not all(line["complete"] and isinstance(line["cost"], int) for line in lines):
            continue
        compared += 1
        if sum(line["cost"] for line in lines) == call.cost_all:
            exact += 1
        else:
            wrong.append([call.id, call.cost_all, [line["cost"] for line in lines]])
    return {
        "calls": len(asked),
        "by_kind": dict(Counter(one.kind for one in asked)),
        "statuses": dict(Counter(str(one.answer.status) for one in asked)),
        "not_whole": sum(not one.answer.whole for one in asked),
        "refused_by_us": len(ours),
        "expected_in_ledger": len(due),
        "in_ledger": len(calls),
        "missing": sorted(due - set(rows)),
        "missing_kinds": [[mine[number].kind, mine[number].answer.status] for number in sorted(due - set(rows))],
        "twice": sorted(number for number, count in rows.items() if count > 1),
        "unexpected": sorted(set(rows) - due),
        "error_kinds": dict(Counter(call.error_kind or "none" for call in calls)),
        "cost_unknown": sum(call.cost_all is None for call in calls),
        "costs_compared": compared,
        "costs_exact": exact,
        "costs_wrong": wrong[:10],
    }


REFUSALS = frozenset({"overloaded", "rate_limit_exceeded", "request_too_large", "body_timeout", "budget_exceeded"})
"""Codes of answers that are ours and for which nothing was sent."""


def memory(samples: list[dict[str, float]]) -> dict[str, Any]:
    """Growth of memory after the warm-up, by least squares."""
    later = [one for one in samples[:-1] if one["at_s"] >= WARM * samples[-2]["at_s"]]
    times, sizes = [one["at_s"] / 60 for one in later], [one["pss_mb"] for one in later]
    return {
        "pss_mb_start": samples[0]["pss_mb"],
        "pss_mb_warm": later[0]["pss_mb"],
        "pss_mb_end": samples[-1]["pss_mb"],
        "pss_mb_slope_per_minute": round(slope(times, sizes), 3),
    }


def slope(xs: list[float], ys: list[float]) -> float:
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / spread if spread else 0.0


def left_behind(samples: list[dict[str, float]], metrics: dict[str, float]) -> dict[str, Any]:
    """What is still there when every caller has gone."""
    last = samples[-1]
    return {
        "running": last["running"],
        "waiting": last["waiting"],
        "queue": last["queue"],
        "tasks_start": samples[0]["tasks"],
        "tasks_end": last["tasks"],
        "descriptors_start": samples[0]["descriptors"],
        "descriptors_end": last["descriptors"],
        "threads_start": samples[0]["threads"],
        "threads_end": last["threads"],
        "refused_records": metrics.get('penstock_ledger_refused_total{file="ledger"}', 0),
    }


if __name__ == "__main__":
    main()
