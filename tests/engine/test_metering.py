from __future__ import annotations

import gzip
import json

import pytest

from penstock.engine.metering import CUT, GATHERED, StreamMeter, ask_for_usage, wants_stream
from penstock.engine.steps import Send, Sent
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Basis
from penstock.wire.view import read_request

CHAT = Send(body=b"{}", model="gpt-5", dialect=Dialect.OPENAI_CHAT)
MESSAGES = Send(body=b"{}", model="claude-haiku-4-5", dialect=Dialect.ANTHROPIC_MESSAGES)


def chat(*chunks: dict[str, object], done: bool = True) -> bytes:
    data = b"".join(
        b"data: " + json.dumps({"id": "c", "model": "gpt-5", **chunk}).encode() + b"\n\n" for chunk in chunks
    )
    return data + (b"data: [DONE]\n\n" if done else b"")


def delta(text: str, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


USAGE: dict[str, object] = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}


def metered(meter: StreamMeter, broken: str | None = None, prompt_tokens: int | None = None) -> Sent:
    return meter.sent(
        status=200, started_at=1.0, first_byte_at=2.0, ended_at=3.0, broken=broken, prompt_tokens=prompt_tokens
    )


def test_a_whole_stream_is_metered_as_its_plain_body() -> None:
    meter = StreamMeter(CHAT)
    for byte in chat(delta("hel"), delta("lo", "stop"), USAGE):
        meter.feed(bytes([byte]))
    sent = metered(meter)
    assert (sent.status, sent.error_kind, sent.started_at, sent.first_byte_at, sent.ended_at) == (200, None, 1, 2, 3)
    assert sent.body is not None
    assert json.loads(sent.body)["choices"][0]["message"]["content"] == "hello"
    assert sent.usage is not None
    assert (sent.usage.input_uncached, sent.usage.output, sent.usage.basis) == (9, 4, Basis.PROVIDER)


def test_a_compressed_stream_is_metered_too() -> None:
    meter = StreamMeter(CHAT, "gzip")
    meter.feed(gzip.compress(chat(delta("x", "stop"), USAGE)))
    assert metered(meter).usage is not None


def test_t29_an_encoding_that_we_cannot_read_passes_unmetered() -> None:
    meter = StreamMeter(CHAT, "br")
    meter.feed(b"\x00\x01")
    sent = metered(meter)
    assert sent.usage is None
    assert sent.status == 200


def test_a_cut_stream_is_estimated_from_what_was_seen() -> None:
    meter = StreamMeter(CHAT)
    meter.feed(chat(delta("twelve words " * 12), done=False))
    sent = metered(meter, prompt_tokens=50)
    assert sent.error_kind == CUT
    assert sent.usage is not None
    assert sent.usage.input_uncached == 50
    assert 20 < sent.usage.output < 80
    assert (sent.usage.basis, sent.usage.flags) == (Basis.ESTIMATED, (CUT,))


def test_a_stream_cut_before_any_content_has_unknown_usage_and_not_zero() -> None:
    meter = StreamMeter(CHAT)
    assert metered(meter, prompt_tokens=50).usage is None


def test_the_input_that_the_provider_said_stays_when_the_stream_is_cut() -> None:
    meter = StreamMeter(MESSAGES)
    start = {
        "type": "message_start",
        "message": {
            "id": "m",
            "model": "claude-haiku-4-5",
            "content": [],
            "usage": {"input_tokens": 7, "output_tokens": 1},
        },
    }
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word " * 40}}
    for data in (start, block, text):
        meter.feed(f"event: {data['type']}\ndata: {json.dumps(data)}\n\n".encode())
    sent = metered(meter, broken="closed_by_caller", prompt_tokens=1000)
    assert sent.error_kind == "closed_by_caller"
    assert sent.usage is not None
    assert sent.usage.input_uncached == 7
    assert sent.usage.output > 30


def test_an_error_event_names_the_error() -> None:
    meter = StreamMeter(MESSAGES)
    meter.feed(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n')
    assert metered(meter).error_kind == "overloaded_error"


def test_a_connection_that_broke_after_the_last_event_is_no_error() -> None:
    meter = StreamMeter(CHAT)
    meter.feed(chat(delta("x", "stop"), USAGE))
    assert meter.complete
    assert metered(meter, broken="upstream_protocol").error_kind is None


@pytest.mark.parametrize("junk", [b"\xff\xfe\n\n", b"data: {\n\n", b"data: []\n\ndata: 1\n\n", b"event: x\n\n" * 3])
def test_t29_bytes_that_are_no_events_of_ours_change_nothing(junk: bytes) -> None:
    meter = StreamMeter(CHAT)
    meter.feed(junk + chat(delta("x", "stop"), USAGE))
    assert metered(meter).usage is not None


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b'{"stream":true}', True),
        (b'{"stream": true , "messages":[]}', True),
        (b'{"stream":false}', False),
        (b'{"messages":[{"content":"\\"stream\\":true"}]}', False),
        (b'{"tools":[{"stream":true}]}', False),
        (b'{"stream":true', False),
        (b"", False),
    ],
)
def test_only_the_top_level_member_asks_for_a_stream(raw: bytes, wanted: bool) -> None:
    assert wants_stream(raw) is wanted


def test_usage_is_asked_for_where_a_stream_would_carry_none() -> None:
    asked = ask_for_usage(Dialect.OPENAI_CHAT, b'{"stream":true,"x":1e2}')
    assert asked == b'{"stream":true,"x":1e2,"stream_options":{"include_usage":true}}'
    asked = ask_for_usage(Dialect.OPENAI_CHAT, b'{"stream":true,"stream_options":{"include_obfuscation":false}}')
    assert json.loads(asked)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    asked = ask_for_usage(Dialect.OPENAI_CHAT, b'{"stream":true,"stream_options":null}')
    assert json.loads(asked)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("more", [b"", b',"stream_options":null', b',"stream_options":{"include_obfuscation":false}'])
@pytest.mark.parametrize("stream", [b"", b',"stream":true', b',"stream":false'])
def test_with_a_view_of_the_body_the_same_is_asked_for(stream: bytes, more: bytes) -> None:
    raw = b'{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]' + stream + more + b" }\n"
    view = read_request(Dialect.OPENAI_CHAT, raw)
    asked, plain = (ask_for_usage(Dialect.OPENAI_CHAT, raw, one) for one in (view, None))
    assert json.loads(asked) == json.loads(plain)
    assert (asked is raw) == (plain is raw)


def test_a_long_stream_is_read_in_parts_as_it_gathers() -> None:
    meter = StreamMeter(CHAT)
    texts = [f"word {number} " * 50 for number in range(200)]
    assert sum(map(len, texts)) > 2 * GATHERED
    for chunk in chat(*map(delta, texts), delta("", "stop"), USAGE).split(b"data: "):
        meter.feed(b"data: " + chunk if chunk else b"")
    sent = metered(meter)
    assert sent.body is not None
    assert json.loads(sent.body)["choices"][0]["message"]["content"] == "".join(texts)
    assert sent.usage is not None
    assert sent.usage.output == 4


@pytest.mark.parametrize(
    ("dialect", "raw"),
    [
        (Dialect.OPENAI_CHAT, b'{"stream":true,"stream_options":{"include_usage":true}}'),
        (Dialect.OPENAI_CHAT, b'{"stream":false}'),
        (Dialect.OPENAI_CHAT, b'{"stream":true,"stream_options":"odd"}'),
        (Dialect.OPENAI_CHAT, b'{"stream":true'),
        (Dialect.ANTHROPIC_MESSAGES, b'{"stream":true}'),
        (Dialect.OPENAI_RESPONSES, b'{"stream":true}'),
    ],
)
def test_other_requests_stay_the_same_object(dialect: Dialect, raw: bytes) -> None:
    assert ask_for_usage(dialect, raw) is raw
