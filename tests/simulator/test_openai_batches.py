"""The Batch API, through the official SDK and by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI

from penstock.simulator.config import Config
from penstock.simulator.openai_batches import BATCHES, FILES
from penstock.simulator.provider import Provider
from penstock.simulator.server import running
from tests.simulator.asking import NOW, chat, read, send

CHAT_URL = "/v1/chat/completions"


def _lines(*requests: tuple[str, dict[str, Any]], url: str = CHAT_URL) -> bytes:
    rows = [{"custom_id": name, "method": "POST", "url": url, "body": body} for name, body in requests]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _upload(provider: Provider, content: bytes, purpose: str = "batch") -> Any:
    parts = [
        ('name="purpose"', purpose.encode()),
        ('name="file"; filename="a.jsonl"\r\ncontent-type: application/jsonl', content),
    ]
    body = b"".join(b"--b\r\ncontent-disposition: form-data; %b\r\n\r\n%b\r\n" % (h.encode(), c) for h, c in parts)
    return send(provider, FILES, body + b"--b--\r\n", headers={"content-type": "multipart/form-data; boundary=b"})


def _create(provider: Provider, file: str, **changes: Any) -> Any:
    asked = {"input_file_id": file, "endpoint": CHAT_URL, "completion_window": "24h", **changes}
    return send(provider, BATCHES, asked)


def test_the_sdk_uploads_creates_and_reads_a_batch_at_half_the_price() -> None:
    with running() as simulator:
        client = OpenAI(api_key="k", base_url=f"{simulator.base_url}/v1", max_retries=0)
        content = _lines(("good", chat("Hello")), ("bad", chat("Hello", max_tokens=-1)))
        file = client.files.create(file=("a.jsonl", content), purpose="batch")
        created = client.batches.create(input_file_id=file.id, endpoint=CHAT_URL, completion_window="24h")
        found = client.batches.retrieve(created.id)
        assert (found.status, found.request_counts and found.request_counts.completed) == ("completed", 1)
        good = json.loads(client.files.content(found.output_file_id or "").text)
        bad = json.loads(client.files.content(found.error_file_id or "").text)
        client.chat.completions.create(**chat("Hello"))
        client.close()
        one, other = simulator.bill
    assert (good["custom_id"], good["response"]["status_code"]) == ("good", 200)
    assert good["response"]["body"]["object"] == "chat.completion"
    assert (bad["custom_id"], bad["response"]["status_code"]) == ("bad", 400)
    assert (one.tier, one.usage.output) == ("batch", other.usage.output)
    assert one.cost * 2 == other.cost  # type: ignore[operator] - both are priced


def test_a_batch_has_no_output_before_its_time() -> None:
    provider = Provider(Config(batch_s=60.0))
    created = read(_create(provider, read(_upload(provider, _lines(("a", chat()))))["id"]))
    place = f"{BATCHES}/{created['id']}"
    waiting = read(send(provider, place, b"", method="GET", at=NOW + 59))
    assert (waiting["status"], waiting["output_file_id"]) == ("in_progress", None)
    over = read(send(provider, place, b"", method="GET", at=NOW + 60))
    assert (over["status"], over["error_file_id"]) == ("completed", None)
    output = send(provider, f"{FILES}/{over['output_file_id']}/content", b"", method="GET", at=NOW + 60)
    assert output.body.count(b"\n") == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]\n", _lines(("a", chat()), ("a", chat())), _lines(("a", chat()), url="/v1/responses")]
)
def test_a_file_that_holds_no_requests_of_the_endpoint_is_refused(content: bytes) -> None:
    provider = Provider()
    assert _create(provider, read(_upload(provider, content))["id"]).status == 400


def test_what_is_not_there_or_not_asked_for_rightly_is_refused() -> None:
    provider = Provider()
    assert _upload(provider, b"x", purpose="fine-tune").status == 400
    assert send(provider, FILES, b"no form").status == 400
    assert _create(provider, "file-none").status == 400
    file = read(_upload(provider, _lines(("a", chat()))))["id"]
    assert _create(provider, file, endpoint="/v1/embeddings").status == 400
    assert send(provider, BATCHES, b"{}").status == 400
    for path in (f"{BATCHES}/batch_x", f"{FILES}/file-x/content", f"{FILES}/file-x"):
        assert send(provider, path, b"", method="GET").status == 404
