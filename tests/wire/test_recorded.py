from __future__ import annotations

import msgspec

from penstock.wire.dialect import Dialect
from penstock.wire.recorded import RecordedCall
from penstock.wire.usage import Usage


def test_what_a_log_did_not_keep_is_none() -> None:
    call = RecordedCall(ts=None, dialect=None, model="")
    kept = {name for name, value in msgspec.structs.asdict(call).items() if value is not None}
    assert kept == {"model", "tags", "batch", "stream", "source"}


def test_calls_do_not_share_their_tags() -> None:
    first, second = (RecordedCall(ts=0.0, dialect=Dialect.OPENAI_CHAT, model="m") for _ in range(2))
    first.tags["task"] = "triage"
    assert second.tags == {}


def test_a_recorded_call_survives_encoding() -> None:
    call = RecordedCall(
        ts=1.5, dialect=Dialect.ANTHROPIC_MESSAGES, model="m", request=b"{}", usage=Usage(input_uncached=3), batch=True
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(call), type=RecordedCall) == call
