"""What the gateway costs in CPU, latency, throughput and memory, with planning, ledger, metrics and keys on.

    python -m benchmarks.gateway --json [--data ../shared/bench] [--venvs DIR]

``--data`` (or ``--bench``) is the load harness: a stand-in provider and a load generator in C, the gateway on one core
and they on the other. Peers and bare prototype proxies (the floor) are measured in the same run, between the rounds of
ours, when ``--venvs`` says where they are installed; those that do not run are listed as ``absent`` with the reason.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.report import Report, arguments, progress

PORT = 8490
PROVIDER = f"http://127.0.0.1:{os.environ.get('MOCK_PORT', '9100')}"
HARNESS = Path(__file__).resolve().parents[2] / "shared" / "bench"
PEERS = ("tensorzero", "portkey", "litellm", "headroom", "lm-proxy")
FLOOR = ("h1-uvicorn-asgi-ownclient", "g1-proto-httptools-uvloop")
CASES = ("openai-2k", "openai-50k", "openai-400k", "openai-2k-stream")
OURS = "penstock"
KEY = "pk-bench"
POLICY = f"""
[upstream.openai]
base_url = "{PROVIDER}"
api_key = "env:BENCH_PROVIDER_KEY"
[upstream.anthropic]
base_url = "{PROVIDER}"
api_key = "env:BENCH_PROVIDER_KEY"
[keys.bench]
key = "env:BENCH_KEY"
team = "bench"
"""


def main() -> None:
    parser = arguments(__doc__ or "", data=False)
    parser.add_argument("--bench", type=Path, default=HARNESS, help="the same as --data")
    parser.add_argument("--rounds", type=int, default=3, help="of ours")
    parser.add_argument("--peer-rounds", type=int, default=1, help="of each peer")
    parser.add_argument("--dur", type=float, default=6.0, help="seconds of low load for each case")
    parser.add_argument("--satdur", type=float, default=3.0, help="seconds at saturation for each case")
    parser.add_argument(
        "--rate-scale", type=float, default=0.2, help="of the low load; 0.2 is 10 requests a second of 2 KB"
    )
    parser.add_argument("--mode", choices=("observe", "apply"), default="apply", help="of our policy")
    parser.add_argument("--venvs", type=Path, help="where the peers are installed")
    parser.add_argument("--peers", nargs="*", default=[*PEERS, *FLOOR], help="names of the harness to measure too")
    parser.add_argument("--cases", nargs="*", default=CASES, help="for example openai-2k anthropic-2k")
    chosen = parser.parse_args()
    chosen.data = chosen.data or chosen.bench
    report = Report("gateway", chosen.seed)
    if not (chosen.data / "bench.py").is_file():
        sys.exit(f"error: no bench.py in {chosen.data}\nhint: --data is the folder of the load harness")
    with tempfile.TemporaryDirectory() as folder:
        lines, absent = measured(chosen, Path(folder))
    report.emit(
        rounds=chosen.rounds,
        peer_rounds=chosen.peer_rounds,
        mode=chosen.mode,
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
        rows=rows_of(lines),
        absent=[{"target": name, "reason": reason} for name, reason in absent.items()],
    )


def measured(chosen: Any, folder: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The harness' lines, and why some peers have none."""
    results = folder / "results.jsonl"
    results.touch()
    times = ["--dur", str(chosen.dur), "--satdur", str(chosen.satdur), "--rate-scale", str(chosen.rate_scale)]
    times += ["--warm", "1.5", "--all-sat", "--rounds", "1", "--out", str(results), "--only", *chosen.cases]
    absent: dict[str, str] = {}
    turns = turns_of(chosen.peers, chosen.rounds, chosen.peer_rounds, chosen.seed)
    for number, name in enumerate(turns):
        progress(f"{number + 1} of {len(turns)}: {name}")
        if name == OURS:
            with gateway(folder, number, chosen.mode) as pid:
                harness(chosen, folder, ["url", f"http://127.0.0.1:{PORT}", "--pid", str(pid)], times)
            continue
        reason = missing(name, chosen.data, chosen.venvs)
        before = len(results.read_text().splitlines())
        if reason is None:
            said = harness(chosen, folder, ["peer", name], times)
            if len(results.read_text().splitlines()) == before:
                reason = said
        if reason is not None:
            progress(f"   absent: {reason}")
            absent[name] = reason
    return [json.loads(line) for line in results.read_text().splitlines()], absent


def turns_of(peers: Sequence[str], rounds: int, peer_rounds: int, seed: int) -> list[str]:
    """Who is measured when: the rounds of ours spread among the others, whose order is drawn from the seed."""
    draw = random.Random(seed)
    others: list[str] = []
    for _ in range(peer_rounds):
        others += draw.sample(list(peers), len(peers))
    turns: list[str] = []
    for number in range(rounds):
        turns.append(OURS)
        turns += others[number * len(others) // rounds : (number + 1) * len(others) // rounds]
    return turns


def missing(name: str, bench: Path, venvs: Path | None) -> str | None:
    """Why a peer cannot be started, or None."""
    specs: dict[str, Any] = {}
    for file in ("peers.json", "stacks.json"):
        specs.update(json.loads((bench / file).read_text()))
    if name not in specs:
        return "the harness does not know it"
    if venvs is None:
        return "no --venvs given"
    needed = [word.replace("{venvs}", str(venvs.resolve())) for word in specs[name]["cmd"] if "{venvs}" in word]
    gone = [word for word in needed if not Path(word).exists()]
    return f"not installed ({Path(gone[0]).name})" if gone else None


@contextmanager
def gateway(folder: Path, number: int, mode: str) -> Iterator[int]:
    """Our gateway on core 0 with everything on; its process id."""
    policy = folder / "penstock.toml"
    policy.write_text(f'mode = "{mode}"\n{POLICY}')
    ledger = folder / f"calls-{number}.db"
    command = ["taskset", "-c", "0", sys.executable, "-m", "penstock", "serve", "--policy", str(policy)]
    command += ["--port", str(PORT), "--ledger", str(ledger)]
    environment = {**os.environ, "BENCH_KEY": KEY, "BENCH_PROVIDER_KEY": "sk-test"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603 - our own program
    try:
        await_health(process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def await_health(process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit("error: the gateway did not start")


def harness(chosen: Any, folder: Path, what: Sequence[str], times: Sequence[str]) -> str:
    """One run of the harness; its lines go to stderr, and the last of them is given back."""
    environment = {**os.environ, "BENCH_DIR": str(folder / "build")}
    if chosen.venvs is not None:
        environment["BENCH_VENVS"] = str(chosen.venvs.resolve())
    command = [sys.executable, str(chosen.data / "bench.py"), *what, *times]
    if what[0] == "url":
        command += ["-H", f"x-penstock-key: {KEY}", "-H", "x-penstock-task: bench"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - the harness given
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    for line in said:
        progress(line)
    return said[-1][:300] if said else f"the harness ended with {done.returncode}"


def rows_of(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each target and case, medians over rounds; CPU at saturation, the added latency at low load."""
    cells: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        target = OURS if line["name"] == "gateway" else line["name"]
        for low in line["low"]:
            cell = cells[(target, low["body"])]
            cell["added_p50_ms"].append(low["add_p50"])
            cell["pss_mb"].append(line["rss_after"])
            cell["errors"].append(low["err"] + low["bad"])
        for full in line["sat"]:
            cell = cells[(target, full["body"])]
            cell["cpu_ms"].append(full["cpu_ms"])
            cell["rps"].append(full["rps"])
            cell["errors"].append(full["err"] + full["bad"])
    return [row_of(target, case, cell) for (target, case), cell in cells.items()]


def row_of(target: str, case: str, cell: dict[str, list[float]]) -> dict[str, Any]:
    """Medians, and for more than one round the range beside each."""
    row: dict[str, Any] = {"target": target, "case": case}
    for name in ("cpu_ms", "added_p50_ms", "rps", "pss_mb"):
        row[name] = median(cell[name]) if cell[name] else None
        if len(cell[name]) > 1:
            row[f"{name}_range"] = [min(cell[name]), max(cell[name])]
    return {**row, "errors": sum(cell["errors"])}


if __name__ == "__main__":
    main()
