"""The loop end to end: record a day, audit it, replay the policy, serve the next day under it, prove the saving.

Answers are simulated, billing is by the documented rules; both days run on a clock of their own, so two hours of
traffic take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from penstock.audit.read import read_calls
from penstock.audit.reading import ReadReport
from penstock.audit.report.html import render
from penstock.audit.report.model import to_json
from penstock.audit.run import Audited, Options, audit
from penstock.client import Penstock
from penstock.demo.answers import answer
from penstock.demo.decisions import decided
from penstock.demo.serving import serving
from penstock.demo.traffic import send_observed, send_to_gateway
from penstock.demo.workloads import TimedCall, traffic
from penstock.engine.record import Call
from penstock.evidence.proof import HOLDBACK, TREATED, NotEnough, Proof, Sample, prove
from penstock.ledger.books import Books
from penstock.ledger.sqlite import open_ledger
from penstock.policy.dump import dump_policy
from penstock.policy.schema import Policy, Upstream
from penstock.replay.driver import replay
from penstock.replay.result import ReplayResult
from penstock.simulator.clock import ManualClock
from penstock.simulator.config import Config
from penstock.simulator.server import Simulator, running

FIRST_DAY = 1_795_165_200.0  # 2026-11-20 09:00 UTC, a Friday
DAY_S = 86_400.0
HOURS = 2.0

Stage = Callable[[str, int], Callable[[], object]]
"""Begins a stage of so many steps for the progress bar; the result is called once per step."""


class Files(msgspec.Struct, frozen=True):
    """What the demo leaves behind."""

    calls: Path
    report_html: Path
    report_json: Path
    policy: Path
    ledger: Path

    @staticmethod
    def under(folder: Path) -> Files:
        """The files in a folder; what an earlier run left there is taken away."""
        folder.mkdir(parents=True, exist_ok=True)
        files = Files(
            calls=folder / "calls.jsonl",
            report_html=folder / "report.html",
            report_json=folder / "report.json",
            policy=folder / "penstock.toml",
            ledger=folder / "ledger.sqlite",
        )
        for path in msgspec.structs.astuple(files):
            for old in folder.glob(f"{path.name}*"):
                old.unlink()
        return files


class Loop(msgspec.Struct, kw_only=True):
    """What the loop found.

    Attributes:
        audited: of the first day.
        policy: what the audit proposed and the team decided.
        before: calls of the first day.
        projected: the replay of the first day under the policy.
        served: calls of the second day, treated and held back, from the ledger.
        proof: the second day's arms compared.
        files: what was written.
    """

    audited: Audited
    policy: Policy
    before: int
    projected: ReplayResult
    served: list[Call]
    proof: Proof | NotEnough
    files: Files


def run_loop(folder: Path, seed: int, stage: Stage, *, scale: float = 1.0) -> Loop:
    """Run the loop and leave its files in ``folder``; ``scale`` is the share of a day's calls to send."""
    files = Files.under(folder)
    clock = ManualClock(FIRST_DAY)
    with running(Config(seed=seed, responder=answer), clock=clock) as simulator:
        first = traffic(seed, FIRST_DAY, HOURS * 3600, scale)
        _record(first, simulator, clock, files, stage("Friday as the team wrote it", len(first)))

        advance = stage("audit, and replay of the policy", 2)
        audited = audit(
            [files.calls], now=datetime.fromtimestamp(FIRST_DAY + DAY_S / 2, UTC), options=Options(covers_days=1.0)
        )
        advance()
        policy = _with_upstreams(decided(audited.policy), simulator)
        _write(files, audited, policy)
        projected = replay(read_calls([files.calls], ReadReport()), policy, by_lever=True)
        advance()

        second = traffic(seed + 1, FIRST_DAY + DAY_S, HOURS * 3600, scale)
        step = stage("Saturday through the gateway", len(second))
        with serving(policy, Books(ledger=files.ledger), clock.now) as url:
            send_to_gateway(second, url, clock, step)
    with open_ledger(files.ledger) as ledger:
        served = list(ledger.calls())
    return Loop(
        audited=audited,
        policy=policy,
        before=len(first),
        projected=projected,
        served=served,
        proof=prove(sample_of(served)),
        files=files,
    )


def sample_of(calls: Iterable[Call]) -> Sample:
    """The two arms of some calls; calls whose cost is not known are in neither."""
    sample = Sample()
    for call in calls:
        cost = call.cost_all
        if call.arm in (TREATED, HOLDBACK) and cost is not None:
            session = call.session or call.id
            sample.add(arm=call.arm, task=call.task, session=session, cost=cost, covariate=call.request_bytes)
    return sample


def _record(
    calls: list[TimedCall], simulator: Simulator, clock: ManualClock, files: Files, advance: Callable[[], object]
) -> None:
    penstock = Penstock(
        Policy(mode="observe"),
        record=files.calls,
        clock=clock.now,
        openai_base_url=simulator.openai_base_url,
        anthropic_base_url=simulator.base_url,
    )
    with penstock:
        send_observed(calls, penstock, clock, advance)


def _with_upstreams(policy: Policy, simulator: Simulator) -> Policy:
    here = Upstream(base_url=simulator.base_url)
    return msgspec.structs.replace(policy, upstream={"openai": here, "anthropic": here})


def _write(files: Files, audited: Audited, policy: Policy) -> None:
    files.report_html.write_text(render(audited.report), encoding="utf-8")
    files.report_json.write_bytes(to_json(audited.report))
    files.policy.write_text(dump_policy(policy), encoding="utf-8")
