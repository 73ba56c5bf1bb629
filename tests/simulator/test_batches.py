"""Message Batches, through the official SDK and by hand."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import Anthropic

from penstock.simulator.batches import PATH
from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.simulator.server import running
from tests.simulator.asking import NOW, kind, messages, read, send


def _batch(*requests: tuple[str, Any]) -> dict[str, Any]:
    return {"requests": [{"custom_id": name, "params": params} for name, params in requests]}


def test_the_sdk_creates_a_batch_and_reads_its_results_at_half_the_price() -> None:
    with running() as simulator:
        client = Anthropic(api_key="k", base_url=simulator.base_url, max_retries=0)
        created = client.messages.batches.create(
            requests=[
                {"custom_id": "good", "params": messages("Hello")},  # type: ignore[typeddict-item] - a plain dict
                {"custom_id": "bad", "params": messages("Hello", max_tokens=-1)},  # type: ignore[typeddict-item]
            ]
        )
        found = client.messages.batches.retrieve(created.id)
        assert found.processing_status == "ended"
        assert (found.request_counts.succeeded, found.request_counts.errored) == (1, 1)
        results = {one.custom_id: one.result for one in client.messages.batches.results(created.id)}
        single = client.messages.create(**messages("Hello"))
        client.close()
        one, other = simulator.bill
    assert results["good"].type == "succeeded"
    assert results["good"].message.usage.service_tier == "batch"
    assert results["bad"].type == "errored"
    assert results["bad"].error.error.type == "invalid_request_error"
    assert (one.tier, one.usage.input_total) == ("batch", single.usage.input_tokens)
    assert not isinstance(one.cost, str)
    assert one.usage.output == other.usage.output
    assert one.cost * 2 == other.cost  # type: ignore[operator] - both are priced


def test_a_batch_has_no_results_before_its_time() -> None:
    provider = Provider(Config(batch_s=60.0))
    created = read(send(provider, PATH, _batch(("a", messages()))))
    assert (created["processing_status"], created["results_url"]) == ("in_progress", None)
    assert created["request_counts"]["processing"] == 1
    place = f"{PATH}/{created['id']}"
    assert send(provider, f"{place}/results", b"", method="GET", at=NOW + 59).status == 404
    over = read(send(provider, place, b"", method="GET", at=NOW + 60))
    assert (over["processing_status"], over["request_counts"]["succeeded"]) == ("ended", 1)
    lines = send(provider, f"{place}/results", b"", method="GET", at=NOW + 60).body
    assert lines.count(b"\n") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        _batch(),
        _batch(("a", messages()), ("a", messages())),
        _batch(("not allowed!", messages())),
        _batch(("a", [])),
        {"requests": [{"params": messages()}]},
    ],
)
def test_what_is_no_batch_is_refused(body: Any) -> None:
    response = send(Provider(), PATH, body)
    assert (response.status, kind(response)) == (400, "invalid_request_error")


def test_a_batch_that_is_not_there_is_not_found_and_a_stream_in_one_is_an_error() -> None:
    provider = Provider()
    assert send(provider, f"{PATH}/msgbatch_x", b"", method="GET").status == 404
    created = read(send(provider, PATH, _batch(("a", messages(stream=True)))))
    assert created["request_counts"]["errored"] == 1
