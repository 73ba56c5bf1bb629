from __future__ import annotations

import json

from penstock.demo.answers import answer
from penstock.demo.workloads import LABELS, MAIL_MODEL, SMALL_MODEL
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request


def triage(model: str, mail: int) -> View:
    body = {
        "model": model,
        "max_tokens": 100,
        "system": "Label the mail with one of the labels.",
        "messages": [{"role": "user", "content": f"Mail {mail}"}],
    }
    return read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(body).encode())


def is_json(text: str) -> bool:
    try:
        return json.loads(text)["label"] in LABELS
    except json.JSONDecodeError:
        return False


def test_a_prompt_gets_the_same_answer_each_time() -> None:
    view = triage(MAIL_MODEL, 1)
    assert answer(view, b"digest") == answer(view, b"digest")


def test_only_the_small_model_now_and_then_forgets_the_json() -> None:
    digests = [number.to_bytes(4, "big") for number in range(400)]
    small = [is_json(answer(triage(SMALL_MODEL, 1), digest).text) for digest in digests]
    large = [is_json(answer(triage(MAIL_MODEL, 1), digest).text) for digest in digests]
    assert all(large)
    assert 0.9 < sum(small) / len(small) < 1.0
