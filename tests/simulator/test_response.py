from __future__ import annotations

from penstock.simulator.provider import Provider
from tests.simulator.asking import messages, send


def test_a_streams_pieces_are_its_events(provider: Provider) -> None:
    response = send(provider, "/v1/messages", messages(stream=True))
    assert response.whole == len(response.chunks)
    assert all(chunk.startswith(b"event: ") and chunk.endswith(b"\n\n") for chunk in response.chunks)
    assert response.body == b"".join(response.chunks)


def test_a_plain_body_is_one_piece(provider: Provider) -> None:
    response = send(provider, "/v1/messages", messages())
    assert (response.whole, len(response.chunks), response.stream) == (1, 1, False)
