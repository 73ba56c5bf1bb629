from __future__ import annotations

import msgspec

from penstock.engine.pending import PendingPair
from tests.engine.test_late import PAIR


def test_a_pair_outlives_the_process_as_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(PAIR), type=PendingPair) == PAIR


def test_no_member_can_hold_a_prompt_or_an_answer() -> None:
    names = {field.name for field in msgspec.structs.fields(PendingPair)}
    assert not names & {"prompt", "request", "body", "answer", "text", "messages"}
    assert "digest" in names
