from __future__ import annotations

from typing import Any

from penstock.engine.metered import metered_call, most_it_embeds
from penstock.engine.record import Call
from penstock.engine.steps import Sent
from penstock.wire.metered import Metered

AT = 1_795_000_000.0
EMBEDDED = b'{"model":"text-embedding-3-small","usage":{"prompt_tokens":5,"total_tokens":5}}'


def record(kind: Metered, **sent: Any) -> Call:
    given = {"status": 200, "started_at": AT, "first_byte_at": AT + 0.1, "ended_at": AT + 0.2, **sent}
    return metered_call(
        kind, Sent(**given), call_id="c1", started_at=AT, model="text-embedding-3-small", request_bytes=40, task="rag"
    )


def test_an_embedding_is_priced_by_what_the_provider_counted() -> None:
    call = record(Metered.EMBEDDINGS, body=EMBEDDED)
    assert (call.operation, call.dialect, call.task, call.arm) == ("embeddings", None, "rag", "bypass")
    assert call.usage is not None
    assert call.usage.input_uncached == 5
    assert call.cost == call.cost_before == 100_000
    assert call.saved == 0


def test_counting_is_free() -> None:
    call = record(Metered.ANTHROPIC_COUNT, body=b'{"input_tokens":900}')
    assert (call.operation, call.cost) == ("count_tokens", 0)


def test_an_embedding_whose_answer_cannot_be_read_or_was_lost_is_unknown() -> None:
    assert record(Metered.EMBEDDINGS, body=None).cost is None
    assert record(Metered.EMBEDDINGS, body=b"{}").cost is None
    assert record(Metered.EMBEDDINGS, status=None, error_kind="timeout").cost is None


def test_a_refusal_costs_nothing_and_an_unlisted_model_is_unknown() -> None:
    assert record(Metered.EMBEDDINGS, status=400, body=b"{}").cost == 0
    assert record(Metered.EMBEDDINGS, body=b'{"model":"embed-9","usage":{"prompt_tokens":5}}').cost is None


def test_a_reservation_covers_any_text_of_that_size() -> None:
    assert most_it_embeds("text-embedding-3-small", 100, AT) == 100 * 20_000
    assert most_it_embeds("embed-9", 100, AT) == 0
