"""What the gateway costs in CPU, latency, throughput and memory, with planning, ledger, metrics and keys on.

    python -m benchmarks.gateway --data ../shared/bench --json [--venvs DIR --peers litellm portkey ...]

``--data`` is the load harness: a stand-in provider and a load generator in C, the gateway on one core and they on the
other. Peers are measured in the same run, one round after the other, when ``--venvs`` says where they are installed.
"""

from __future__ import annotations

import json
import os
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
PROVIDER = "http://127.0.0.1:9100"
KEY = "pk-bench"
POLICY = f"""
mode = "apply"
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
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dur", type=float, default=6.0, help="seconds of low load for each case")
    parser.add_argument("--satdur", type=float, default=3.0, help="seconds at saturation for each case")
    parser.add_argument("--venvs", type=Path, help="where the peers are installed")
    parser.add_argument("--peers", nargs="*", default=[], help="names of the harness' peers to measure too")
    parser.add_argument("--cases", nargs="*", default=[], help="only these cases, for example openai-2k")
    chosen = parser.parse_args()
    report = Report("gateway", chosen.seed)
    if not (chosen.data / "bench.py").is_file():
        sys.exit(f"error: no bench.py in {chosen.data}\nhint: --data is the folder of the load harness")
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.jsonl"
        only = ["--only", *chosen.cases] if chosen.cases else []
        times = ["--dur", str(chosen.dur), "--satdur", str(chosen.satdur), "--out", str(results), *only]
        for number in range(chosen.rounds):  # rounds outside, so that all targets see the same noise
            progress(f"round {number + 1} of {chosen.rounds}: penstock")
            with gateway(Path(folder), number) as pid:
                harness(chosen, folder, ["url", f"http://127.0.0.1:{PORT}", "--pid", str(pid), "--rounds", "1"], times)
            for peer in chosen.peers:
                progress(f"round {number + 1} of {chosen.rounds}: {peer}")
                harness(chosen, folder, ["peer", peer, "--rounds", "1", "--rate-scale", "0.2", "--warm", "2"], times)
        lines = [json.loads(line) for line in results.read_text().splitlines()]
    report.emit(rounds=chosen.rounds, cores=os.cpu_count(), load=os.getloadavg()[0], rows=rows_of(lines))


@contextmanager
def gateway(folder: Path, number: int) -> Iterator[int]:
    """Our gateway on core 0 with everything on; its process id."""
    policy = folder / "penstock.toml"
    policy.write_text(POLICY)
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


def harness(chosen: Any, folder: str, what: Sequence[str], times: Sequence[str]) -> None:
    """One run of the harness; its own lines go to stderr."""
    environment = {**os.environ, "BENCH_DIR": str(Path(folder) / "build")}
    if chosen.venvs is not None:
        environment["BENCH_VENVS"] = str(chosen.venvs.resolve())
    command = [sys.executable, str(chosen.data / "bench.py"), *what, *times]
    if what[0] == "url":
        command += ["-H", f"x-penstock-key: {KEY}", "-H", "x-penstock-task: bench"]
    subprocess.run(command, env=environment, stdout=sys.stderr, check=True)  # noqa: S603 - the harness given


def rows_of(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each target and case, medians over rounds; CPU at saturation, the added latency at low load."""
    cells: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        target = "penstock" if line["name"] == "gateway" else line["name"]
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
    names = ("cpu_ms", "added_p50_ms", "rps", "pss_mb")
    return [
        {
            "target": target,
            "case": case,
            **{name: median(cell[name]) if cell[name] else None for name in names},
            "errors": sum(cell["errors"]),
        }
        for (target, case), cell in cells.items()
    ]


if __name__ == "__main__":
    main()
