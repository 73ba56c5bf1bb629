"""Long answers in free text: half of a task's answers are much shorter than the rest, and an instruction might do.

Looked at where output is a large part of the task's bill. Structured answers, tool calls and hidden reasoning are left
alone: an instruction to be brief shortens none of them. Whether shorter answers do as well, the gate finds out.

Dollars: what the visible answers take beyond the length that half of them stay within, at the output price, less the
instruction's own tokens in every call.

Fix: ``brevity = { instruction = "..." }`` behind the gate (``gate = { edits = ["brevity"] }``).
"""

from __future__ import annotations

from statistics import median_low

from penstock.audit.finding import Finding, Measure, Pool
from penstock.audit.gather import AuditInput, Group
from penstock.audit.gating import gate_of
from penstock.audit.row import CallRow
from penstock.audit.whatif import prices_at
from penstock.money import Picodollars
from penstock.unknown import Unknown

KINDS = {"long_answers": "long answers in free text"}

LONG_ANSWER = 150
"""Output tokens of the middle answer from which on a task's answers count as long."""

_FEWEST = 20
_OUTPUT_SHARE = 0.3  # of the task's bill, from which on the length of answers is worth a question
_WORDS_PER_TOKEN = 0.75
_ROUND = 10  # words
_INSTRUCTION_TOKENS = 15


def find(data: AuditInput) -> list[Finding]:
    """One question for each task and model whose bill is largely long answers in free text."""
    found = []
    for group in data.groups.values():
        rows = [row for row in group.rows if _visible(row) > 0 and row.finish != "length"]
        if len(rows) < _FEWEST or any(row.structured or row.tool_calls for row in group.rows):
            continue
        middle = median_low([_visible(row) for row in rows])
        if middle >= LONG_ANSWER and _output_share(rows) >= _OUTPUT_SHARE:
            saving = _beyond(rows, middle)
            if isinstance(saving, Unknown) or saving > 0:
                found.append(_question(data, group, rows, middle, saving))
    return found


def _visible(row: CallRow) -> int:
    """Tokens of the answer that the caller reads; 0 where they cannot be told from hidden reasoning."""
    usage = row.usage
    if usage is None or row.failed or (row.thinks and usage.output_reasoning is None):
        return 0
    return usage.output - (usage.output_reasoning or 0)


def _output_share(rows: list[CallRow]) -> float:
    """Visible output as a share of the priced bill; 0 where nothing has a price."""
    spent = answers = 0
    for row in rows:
        prices = prices_at(row)
        if not isinstance(prices, Unknown) and not isinstance(prices.output, Unknown) and isinstance(row.cost, int):
            spent += row.cost
            answers += _visible(row) * prices.output
    return answers / spent if spent else 0.0


def _beyond(rows: list[CallRow], middle: int) -> Picodollars | Unknown:
    total = 0
    for row in rows:
        prices = prices_at(row)
        if isinstance(prices, Unknown):
            return prices
        if isinstance(prices.output, Unknown):
            return prices.output
        if isinstance(prices.input, Unknown):
            return prices.input
        total += max(0, _visible(row) - middle) * prices.output - _INSTRUCTION_TOKENS * prices.input
    return Picodollars(total)


def _question(
    data: AuditInput, group: Group, rows: list[CallRow], middle: int, saving: Picodollars | Unknown
) -> Finding:
    longer = [row for row in rows if _visible(row) > middle]
    mean = sum(_visible(row) for row in longer) / max(1, len(longer))
    words = max(_ROUND, round(middle * _WORDS_PER_TOKEN / _ROUND) * _ROUND)
    return Finding(
        kind="long_answers",
        task=group.task,
        model=group.model,
        title=f"Half of the answers take {middle:,} tokens or fewer, the others {mean:,.0f}: would {words:,} words do?",
        detail=(
            "Output is a large part of this task's bill, and its answers are free text. An instruction to answer "
            f"briefly might bring the longer ones to what half of them take now ({words:,} words are about "
            f"{middle:,} tokens)."
        ),
        measure=Measure.QUESTION,
        pool=Pool.OUTPUT,
        dollars=saving,
        dollars_month=data.period.month(saving),
        basis=(
            f"estimated: visible output beyond {middle:,} tokens at the output price, less {_INSTRUCTION_TOKENS} input "
            f"tokens a call for the instruction; {len(rows):,} calls"
        ),
        calls=len(longer),
        evidence={"middle_tokens": middle, "mean_tokens_of_longer": round(mean), "words": words},
        gated={
            "brevity": {"enabled": True, "instruction": f"Answer in at most {words} words."},
            "gate": gate_of(data, group, saving, edits=["brevity"]),
        },
    )
