"""A report of synthetic traffic that has everything in it: savings, questions, an unpriced call, problems."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from penstock.audit.run import Audited, Options, audit
from tests.audit.traffic import START, Provider, line, one_shot, static_prompts, words

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def log_lines() -> list[bytes]:
    """A day of three tasks, with a broken line, a duplicate, and a model that nobody knows."""
    calls = static_prompts(100, 300.0)
    provider = Provider()
    rules = words(2500, "rule")
    mail = [
        provider.call(
            one_shot(f"Now: 2026-10-01T09:{k % 60:02d}Z. {rules}", words(80, f"m{k}x")), START + k * 240, task="mail"
        )
        for k in range(100)
    ]
    rare = [
        provider.call(one_shot("s", f"r{k}", "claude-haiku-4-5"), START + k * 900, task=None, output=5)
        for k in range(25)
    ]
    lines = [line(call) for call in calls]
    lines += [line(call).replace(b'"id-', b'"mail-') for call in mail]
    lines += [line(call).replace(b'"id-', b'"rare-') for call in rare]
    odd = line(calls[0]).replace(b'"id-', b'"odd-').replace(b"claude-opus-5", b"claude-nova-9")
    return [*lines, b"garbage", lines[0], odd]


@cache
def audited(*, decided: bool = False) -> Audited:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log.jsonl"
        path.write_bytes(b"\n".join(log_lines()))
        return audit([path], now=NOW, options=Options(decided=decided))


def mentions_no_prompt(text: str) -> bool:
    """Whether a view holds none of the prompts' words."""
    return not any(word in text for word in ("rule00", "sys00", "m1x0", "q1x0", json.dumps("done")))
