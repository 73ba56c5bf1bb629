"""A ledger with everything that the pages show, and names that would break out of them."""

from __future__ import annotations

from pathlib import Path

from penstock.engine.edit import Note, Risk
from penstock.engine.record import Call, EditRecord, ExtraSend
from penstock.evidence.gate import Identity
from penstock.evidence.gatebook import GateBook
from penstock.ledger.gates import saved
from penstock.ledger.sqlite import open_ledger
from penstock.money import Picodollars
from penstock.wire.usage import Usage
from tests.ledger.calls import call

HOSTILE = "<script>alert(1)</script>\"'&"
ARITHMETIC = "4,000 tokens written at 1.25 x $4/M, 0.2 reads expected of 0.28 that repay it: -$0.0013"
ALARM = "12 of 20 promised reads were not kept"
START = 1_795_251_634.0


def edit(lever: str, saving: int | None = 5, why: str = "reads 2,203 tokens that are cached") -> EditRecord:
    return EditRecord(lever=lever, why=why, saving=None if saving is None else Picodollars(saving), risk=Risk.EXACT)


def extra(purpose: str, reason: str) -> ExtraSend:
    return ExtraSend(
        purpose=purpose, model="claude-haiku-4-5", reason=reason, status=200, usage=None, cost=Picodollars(1)
    )


def mixed() -> list[Call]:
    """Seven calls, two of unknown cost; three are one run, which goes wrong at its second step."""
    usage = Usage(input_uncached=345, cache_read=12_000, cache_write_5m=67, output=89)
    made = [
        call(
            1,
            arm="treated",
            usage=usage,
            predicted=usage,
            cost=Picodollars(1_234_567_890_123),
            cost_before=Picodollars(3_000_000_000_000),
            edits=(edit("cache"), edit("route", 15, "claude-opus-4-5 -> claude-haiku-4-5")),
            model_asked="claude-opus-4-5",
            tags={"simulated": "simulated"},
        ),
        call(2, arm="treated", trace="run/1 <b>"),
        call(3, arm="treated", trace="run/1 <b>", extra_sends=(extra("shadow", "disagreed by 1.00 (fields differ)"),)),
        call(4, arm="treated", trace="run/1 <b>", finish="length"),
        call(5, arm="treated", cost=None, usage=None, notes=(Note("cache", ARITHMETIC),)),
        call(6, arm="observe", task=HOSTILE, edits=(edit("cache", None), edit("cap", 40)), session=HOSTILE),
        call(7, arm="treated", cost=None, status=None, error_kind="timeout", alarm=ALARM, failures=("trim: KeyError",)),
    ]
    for number, one in enumerate(made):
        one.started_at = START + 600 * number
    return made


def write(path: Path, calls: list[Call]) -> Path:
    with open_ledger(path) as ledger:
        ledger.append(calls)
    return path


def with_gate(path: Path) -> Path:
    """A gate of the task ``triage`` that has seen ten pairs."""
    book = GateBook()
    gate = book.gate("triage", Identity(reference="claude-opus-4-5", candidate="claude-haiku-4-5"), at=START)
    for number in range(10):
        gate.observe_pair(0.0, at=START + 3600 * number, terms=book.terms, reference=1.0)
    with open_ledger(path) as ledger:
        ledger.gates.save([saved(gate, START)])
    return path
