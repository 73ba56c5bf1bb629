from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.gateway.batch_apis import (
    APIS,
    AnthropicBatches,
    OpenAIBatches,
    Outcome,
    Request,
    Response,
    Result,
    outcome_of,
)
from penstock.simulator.openai_batches import BATCHES, FILES
from penstock.simulator.provider import Provider
from penstock.wire.dialect import Dialect
from tests.simulator.asking import chat, messages, read, send


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (
            b'{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error","message":"no"}}}',
            Outcome(400, error_kind="batch_errored"),
        ),
        (
            b'{"type":"errored","error":{"type":"error","error":{"type":"api_error","message":"no"}}}',
            Outcome(500, error_kind="batch_errored"),
        ),
        (b'{"type":"expired"}', Outcome(500, error_kind="batch_expired")),
        (b'{"type":"canceled"}', Outcome(500, error_kind="batch_canceled")),
        (b'{"type":"succeeded","message":{"content":[]}}', Outcome(200, b'{"content":[]}')),
    ],
)
def test_each_kind_of_result_is_the_answer_that_a_single_request_would_have_had(
    result: bytes, outcome: Outcome
) -> None:
    assert outcome_of(msgspec.json.decode(result, type=Result)) == outcome


def test_a_response_counts_by_its_status() -> None:
    assert outcome_of(Response(200, msgspec.Raw(b"{}"))) == Outcome(200, b"{}")
    assert outcome_of(Response(400, msgspec.Raw(b"{}"))) == Outcome(400, error_kind="batch_errored")
    assert outcome_of(Response()) == Outcome(500, error_kind="batch_errored")


class _Asked:
    """Asks a simulated provider without sockets."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.targets: list[tuple[bytes, bytes]] = []

    async def __call__(self, method: bytes, target: bytes, body: bytes, kind: bytes) -> bytes:
        self.targets.append((method, target))
        headers = {"content-type": kind.decode()}
        response = send(self.provider, target.decode(), body, method=method.decode(), headers=headers)
        assert response.status == 200, response.body
        return response.body


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
async def test_requests_of_any_text_come_back_by_their_ids(texts: list[str]) -> None:
    asked = _Asked()
    for api, body in ((AnthropicBatches(), messages), (OpenAIBatches("/v1/chat/completions"), chat)):
        requests = [Request(f"c{number}", msgspec.json.encode(body(text or "-"))) for number, text in enumerate(texts)]
        outcomes = await api.outcomes(asked, await api.create(asked, requests))
        assert outcomes is not None
        assert set(outcomes) == {request.id for request in requests}
        assert {outcome.status for outcome in outcomes.values()} == {200}


async def test_openai_s_errors_stand_beside_the_answers() -> None:
    asked = _Asked()
    api = APIS[Dialect.OPENAI_CHAT]
    good, bad = (msgspec.json.encode(body) for body in (chat("x"), chat("x", max_tokens=-1)))
    outcomes = await api.outcomes(asked, await api.create(asked, [Request("a", good), Request("b", bad)]))
    assert outcomes is not None
    assert (outcomes["a"].status, outcomes["b"]) == (200, Outcome(400, error_kind="batch_errored"))
    assert asked.targets[:2] == [(b"POST", FILES.encode()), (b"POST", BATCHES.encode())]
    assert read(send(asked.provider, FILES + "/x", b"", method="GET"))["error"]
