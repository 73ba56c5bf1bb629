from __future__ import annotations

from penstock.simulator.provider import Provider
from tests.simulator.asking import chat, messages, read, responses, send


def test_the_same_seed_and_calls_give_the_same_bodies_with_ids_of_the_right_shape() -> None:
    def bodies() -> list[bytes]:
        provider = Provider()
        return [
            send(provider, path, body).body
            for path, body in (
                ("/v1/messages", messages()),
                ("/v1/chat/completions", chat()),
                ("/v1/responses", responses()),
            )
        ]

    first = bodies()
    assert first == bodies()


def test_every_dialects_body_names_its_id_time_and_model(provider: Provider) -> None:
    message = read(send(provider, "/v1/messages", messages()))
    completion = read(send(provider, "/v1/chat/completions", chat()))
    response = read(send(provider, "/v1/responses", responses()))
    assert [each["id"].split("_")[0].split("-")[0] for each in (message, completion, response)] == [
        "msg",
        "chatcmpl",
        "resp",
    ]
    assert completion["created"] == response["created_at"] == 1_795_305_600
    assert [each["model"] for each in (message, completion, response)] == [
        "claude-sonnet-5-5",
        "gpt-4o-mini",
        "gpt-5.6-luna",
    ]
