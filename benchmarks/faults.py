"""What a caller sees, and what the ledger and the metrics say, when something goes wrong.

    python -m benchmarks.faults [--json]

A gateway and a simulated provider run as processes of their own. Each fault is met with the official SDKs through the
gateway, and, where the provider can be reached without it, direct: a caller must see the same both ways.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai

from benchmarks.broken_providers import BROKEN, broken_provider
from benchmarks.processes import Program, changed, fetch, fill, gateway, metrics_of, simulator, small_disk
from benchmarks.report import Report, arguments, progress
from penstock.engine.record import Call
from penstock.ledger.sqlite import open_ledger

CLAUDE = "claude-haiku-4-5"
GPT = "gpt-5-mini"
MESSAGES: Any = [{"role": "user", "content": "Say something about rivers."}]
SIMULATED = (
    *("400", "401", "402", "403", "404", "408", "409", "413", "422", "429", "429-no-retry-after", "spend-limit"),
    *("500", "503", "504", "529", "slow-first-byte=0.5", "slow-stream=0.05", "cut-stream=0", "cut-stream=3"),
    *("end-stream=3", "error-event=3", "malformed-chunk=3", "unknown-event=3", "no-usage", "close-before-response"),
    *("garbage", "slow-first-byte=30"),
)
PATIENCE_S = 1.5
"""What the SDKs are told to wait for an answer."""

Seen = dict[str, Any]
Ask = Callable[[str, str], Seen]


class Bench:
    """The two processes, the policy and the ledger."""

    def __init__(self, folder: Path, provider: Program, disk: Path | None) -> None:
        self.folder = folder
        self.provider = provider
        self.policy = folder / "penstock.toml"
        self.disk = disk
        self.ledger = (folder if disk is None else disk) / "calls.db"
        self.program: Program | None = None
        self.rows: list[dict[str, Any]] = []
        self._number = 0

    def upstream(self, url: str, **resilience: Any) -> None:
        """Write the policy, and have a running gateway read it."""
        lines = [f'[upstream.{name}]\nbase_url = "{url}"' for name in ("openai", "anthropic")]
        rules = {"breaker_failures": 1000, **resilience}
        lines.append("[resilience]\n" + "\n".join(f"{name} = {value}" for name, value in rules.items()))
        self.policy.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if self.program is not None:
            reloads = sum(" reload" in line for line in self.program.log)
            self.program.send(signal.SIGHUP)
            await_that(lambda: sum(" reload" in line for line in self.gateway.log) > reloads)

    @property
    def gateway(self) -> Program:
        assert self.program is not None
        return self.program

    def faults(self, spec: str) -> None:
        fetch(f"{self.provider.url}/__simulator/faults", {"spec": spec, "replace": True})

    def requests(self) -> int:
        return int(fetch(f"{self.provider.url}/__simulator/stats")["requests"])

    def meet(self, fault: str, name: str, ask: Ask, *, direct: Seen | None = None) -> dict[str, Any]:
        """Ask through the gateway and note what everybody saw."""
        self._number += 1
        tag = f"{fault}#{self._number}"
        before, asked = metrics_of(self.gateway), self.requests()
        seen = dict(ask(self.gateway.url, tag))
        said = seen.pop("message", None)
        direct = None if direct is None else {key: value for key, value in direct.items() if key != "message"}
        record = self.record(tag)
        moved = changed(before, metrics_of(self.gateway))
        row = {
            "fault": fault,
            "call": name,
            "caller": seen,
            "message": said,
            "direct": direct,
            "same_as_direct": None if direct is None else direct == seen,
            "provider_requests": self.requests() - asked,
            "ledger": record,
            "metrics": {key: value for key, value in moved.items() if key.startswith("penstock_")},
        }
        self.rows.append(row)
        progress(line_of(row))
        return row

    def record(self, tag: str, patience_s: float = 10.0) -> dict[str, Any]:
        """What the ledger says of the call with a tag."""
        deadline = time.monotonic() + patience_s
        while True:
            found = [call for call in calls_of(self.ledger) if call.tags.get("case") == tag]
            if found or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if not found:
            return {"rows": 0}
        call = found[0]
        return {
            "rows": len(found),
            "status": call.status,
            "error_kind": call.error_kind,
            "cost_known": call.cost is not None,
            "usage": None if call.usage is None else call.usage.basis.value,
        }


def main() -> None:
    parser = arguments(__doc__ or "", data=False)
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS), default=list(PARTS), help="parts to run")
    chosen = parser.parse_args()
    report = Report("faults", chosen.seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        small_disk(Path(folder) / "disk") as mounted,
        simulator("--seed", str(chosen.seed)) as provider,
    ):
        bench = Bench(Path(folder), provider, Path(folder) / "disk" if mounted else None)
        bench.upstream(provider.url)
        with gateway(bench.policy, "--ledger", str(bench.ledger)) as program:
            bench.program = program
            results = {name: PARTS[name](bench) for name in PARTS if name in chosen.only}
    results = {name: result for name, result in results.items() if result is not None}
    summary = summary_of(bench.rows)
    if chosen.json:
        report.emit(rows=bench.rows, **results, **summary)
        return
    table(bench.rows)
    for name, result in {**results, **summary}.items():
        sys.stdout.write(f"{name}: {json.dumps(result)}\n")


def simulated(bench: Bench) -> None:
    """Each fault of the simulator, both ways."""
    for fault in SIMULATED:
        for name, ask in CALLS.items():
            bench.faults(fault)
            direct = ask(bench.provider.url, "direct")
            bench.faults(fault)
            bench.meet(fault, name, ask, direct=direct)
    bench.faults("")


def retried(bench: Bench) -> None:
    """A caller that does not repeat by itself is served by a second try; an SDK's own tries are not multiplied."""
    for fault, ask in (("503@nth=1", bare), ("429=1@nth=1", bare), ("529", bare), ("529", sdk_with_retries)):
        bench.faults(fault)
        bench.meet(fault, ask.__name__.replace("_", " "), ask)
    bench.faults("")


def killed_in_a_stream(bench: Bench) -> None:
    """The provider's process dies while it streams."""
    with simulator("--tokens-per-second", "20") as doomed:
        bench.upstream(doomed.url)

        def ask(url: str, tag: str) -> Seen:
            return streamed(url, tag, on_event=lambda number: doomed.kill() if number == 2 else None)

        bench.meet("provider killed in a stream", "messages stream", ask)
    bench.upstream(bench.provider.url)


def broken(bench: Bench) -> None:
    """Providers that do not speak HTTP as they should."""
    for fault in BROKEN:
        with broken_provider(fault) as url:
            bench.upstream(url)
            for name in ("messages", "messages stream"):
                direct = CALLS[name](url, "direct")
                bench.meet(fault, name, CALLS[name], direct=direct)
    bench.upstream(bench.provider.url)


def addresses(bench: Bench) -> None:
    """Nobody there, no such name."""
    for fault, url in (("connection refused", "http://127.0.0.1:9"), ("no such host", "http://nowhere.invalid")):
        bench.upstream(url)
        for name in ("messages", "chat stream"):
            bench.meet(fault, name, CALLS[name])
    bench.upstream("http://127.0.0.1:9", breaker_failures=1)
    CALLS["messages"](bench.gateway.url, "opens the breaker")
    bench.meet("breaker open", "messages", CALLS["messages"])
    bench.upstream(bench.provider.url)


def full_disk(bench: Bench) -> dict[str, Any]:
    """The ledger's disk is full for a while: callers notice nothing, and afterwards every call is there once."""
    time.sleep(1.5)  # what waited is written, so that the file's size stands
    with closing(sqlite3.connect(bench.ledger, timeout=10)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else there is room in the log that is there already
    filler = fill(bench.disk) if bench.disk is not None else None
    if filler is None:
        bench.gateway.limit_file_size(4096)
    answers = [CALLS["messages"](bench.gateway.url, f"full#{number}") for number in range(20)]
    await_that(lambda: any("penstock_ledger_queue" in name for name in metrics_of(bench.gateway)))
    status = httpx2.get(f"{bench.gateway.url}/readyz")
    metrics = metrics_of(bench.gateway)
    during = len([call for call in calls_of(bench.ledger) if call.tags.get("case", "").startswith("full#")])
    if filler is None:
        bench.gateway.limit_file_size(-1)
    else:
        filler.unlink()
    await_that(lambda: metrics_of(bench.gateway)['penstock_ledger_queue{file="ledger"}'] == 0)
    kept = [call.tags["case"] for call in calls_of(bench.ledger) if call.tags.get("case", "").startswith("full#")]
    return {
        "how": "a file size limit" if filler is None else "a full file system",
        "answers": {json.dumps(answer): answers.count(answer) for answer in answers},
        "in_ledger_meanwhile": during,
        "waiting_meanwhile": metrics.get('penstock_ledger_queue{file="ledger"}'),
        "readyz": [status.status_code, status.json()],
        "in_ledger_after": len(kept),
        "exactly_once": sorted(set(kept)) == sorted(kept) and len(kept) == len(answers),
    }


def mirror(bench: Bench) -> None:
    """A mirror takes over from an address that fails."""
    lines = [
        f'[upstream.{name}]\nbase_url = "http://127.0.0.1:9"\nmirrors = ["{bench.provider.url}"]'
        for name in ("openai", "anthropic")
    ]
    bench.policy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    bench.gateway.send(signal.SIGHUP)
    time.sleep(0.5)
    bench.meet("connection refused but for a mirror", "messages", CALLS["messages"])
    bench.upstream(bench.provider.url)


def drain(bench: Bench) -> dict[str, Any]:
    """SIGTERM in a stream: it comes to its end, new callers find nobody, and the record is kept."""
    bench.faults("slow-stream=0.2")
    seen = streamed(
        bench.gateway.url,
        "drain",
        patience_s=60,
        on_event=lambda number: bench.gateway.send(signal.SIGTERM) if number == 2 else None,
    )
    status = bench.gateway.stop()
    return {"caller": seen, "exit_status": status, "ledger": bench.record("drain")}


PARTS: dict[str, Callable[[Bench], dict[str, Any] | None]] = {
    "simulated": simulated,
    "retried": retried,
    "killed": killed_in_a_stream,
    "broken": broken,
    "addresses": addresses,
    "mirror": mirror,
    "full_disk": full_disk,
    "drain": drain,  # the last: it ends the gateway
}


def summary_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What does not go without saying: a broken connection has to be told as a 502, for HTTP knows no other way."""
    different = [row for row in rows if row["same_as_direct"] is False]
    told = [row for row in different if row["direct"].get("status") is None and row["caller"].get("status") == 502]
    return {
        "calls": len(rows),
        "compared": sum(row["same_as_direct"] is not None for row in rows),
        "broken_connection_told_as_502": len(told),
        "otherwise_different": [[row["fault"], row["call"]] for row in different if row not in told],
        "not_once_in_ledger": [[row["fault"], row["call"]] for row in rows if row["ledger"]["rows"] != 1],
    }


# What a caller does.


def claude(url: str, tag: str, **more: Any) -> anthropic.Anthropic:
    labels = {"x-penstock-task": "faults", "x-penstock-tags": f"case={tag}"}
    given = {"max_retries": 0, "timeout": PATIENCE_S, **more}
    return anthropic.Anthropic(base_url=url, api_key="k", default_headers=labels, **given)


def gpt(url: str, tag: str) -> openai.OpenAI:
    labels = {"x-penstock-task": "faults", "x-penstock-tags": f"case={tag}"}
    return openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=PATIENCE_S, default_headers=labels)


def seen_by(work: Callable[[], Any]) -> Seen:
    """The outcome as a program sees it: how many events or ``ok``, or the exception's class, status and type."""
    try:
        return {"outcome": work()}
    except (anthropic.APIError, openai.APIError, httpx2.HTTPError) as error:
        body = getattr(error, "body", None)
        inner = body.get("error", body) if isinstance(body, dict) else None
        kind = inner.get("type") if isinstance(inner, dict) else None
        told = inner.get("message") if isinstance(inner, dict) else None
        status = getattr(error, "status_code", None)
        return {"exception": type(error).__name__, "status": status, "type": kind, "message": told or str(error)}
    except ValueError as error:  # what the SDKs raise on bodies that are no JSON or no UTF-8
        return {"exception": type(error).__name__, "status": None, "type": None}


def plain_messages(url: str, tag: str) -> Seen:
    def work() -> str:
        with claude(url, tag) as client:
            client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
        return "ok"

    return seen_by(work)


def streamed(
    url: str, tag: str, *, patience_s: float = PATIENCE_S, on_event: Callable[[int], object] = lambda _: None
) -> Seen:
    def work() -> str:
        count = 0
        with (
            claude(url, tag, timeout=patience_s) as client,
            client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES, stream=True) as stream,
        ):
            for _ in stream:
                count += 1
                on_event(count)
        return f"{count} events"

    return seen_by(work)


def plain_chat(url: str, tag: str) -> Seen:
    def work() -> str:
        with gpt(url, tag) as client:
            client.chat.completions.create(model=GPT, messages=MESSAGES)
        return "ok"

    return seen_by(work)


def streamed_chat(url: str, tag: str) -> Seen:
    def work() -> str:
        with gpt(url, tag) as client:
            return f"{len(list(client.chat.completions.create(model=GPT, messages=MESSAGES, stream=True)))} chunks"

    return seen_by(work)


def streamed_responses(url: str, tag: str) -> Seen:
    def work() -> str:
        with gpt(url, tag) as client:
            return f"{len(list(client.responses.create(model=GPT, input=MESSAGES, stream=True)))} events"

    return seen_by(work)


def bare(url: str, tag: str) -> Seen:
    """A caller without an SDK."""
    body = {"model": CLAUDE, "max_tokens": 40, "messages": MESSAGES}
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01", "x-penstock-tags": f"case={tag}"}
    answer = httpx2.post(f"{url}/v1/messages", json=body, headers=headers, timeout=30)
    return {"status": answer.status_code, "retry_after": answer.headers.get("retry-after")}


def sdk_with_retries(url: str, tag: str) -> Seen:
    def work() -> str:
        with claude(url, tag, max_retries=1) as client:
            client.messages.create(model=CLAUDE, max_tokens=40, messages=MESSAGES)
        return "ok"

    return seen_by(work)


CALLS: dict[str, Ask] = {
    "messages": plain_messages,
    "messages stream": streamed,
    "chat": plain_chat,
    "chat stream": streamed_chat,
    "responses stream": streamed_responses,
}


# Showing.


def line_of(row: dict[str, Any]) -> str:
    seen, kept = row["caller"], row["ledger"]
    what = seen.get("outcome") or " ".join(str(seen.get(key)) for key in ("exception", "status", "type"))
    ledger = f"{kept['rows']} row"
    if kept["rows"]:
        money = "cost known" if kept["cost_known"] else "cost unknown"
        ledger = f"{kept['status']} {kept['error_kind'] or 'fine'}, {money}"
    same = {True: "as direct", False: f"DIRECT {row['direct']}", None: "-"}[row["same_as_direct"]]
    return f"{row['fault']:<34} {row['call']:<17} {what:<52} {same:<10} {ledger}"


def table(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        counted = ", ".join(f"{name} +{value:g}" for name, value in row["metrics"].items() if "_calls_total" in name)
        sys.stdout.write(f"{line_of(row)}; {counted}\n")


def calls_of(path: Path) -> list[Call]:
    with open_ledger(path, create=False) as ledger:
        return list(ledger.calls())


def await_that(condition: Callable[[], bool], patience_s: float = 30.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit("error: something did not happen in time")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
