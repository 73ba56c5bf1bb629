from __future__ import annotations

import pytest

from penstock.simulator.errors import ApiError
from penstock.simulator.provider import Provider
from penstock.simulator.reading import decoded, limit_key, model_in, profile_for
from tests.simulator.asking import NOW, chat, kind, message, messages, read, responses, send

MAY_2025 = 1_746_057_600.0


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b'{"model":5}', b'{"other":"x"}', b"[" * 5000])
def test_a_body_without_a_model_names_none(raw: bytes) -> None:
    assert model_in(raw) == ""


def test_a_limit_is_shared_by_the_snapshots_of_a_model() -> None:
    assert limit_key("claude-opus-5-5-20260922") == limit_key("claude-opus-5-5") == "claude-opus-5-5"
    assert limit_key("no-model") == "no-model"


@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_what_is_no_json_object_is_a_400(provider: str) -> None:
    for raw in (b"", b"{", b"[]", b"\xff\xfe", b"{" * 5000):
        with pytest.raises(ApiError) as refused:
            decoded(raw, provider)
        assert refused.value.status == 400


def test_unknown_retired_and_foreign_models_are_a_404(provider: Provider) -> None:
    for body in (messages(model="claude-9"), messages(model="gpt-5"), messages(model="claude-3-5-haiku")):
        response = send(provider, "/v1/messages", body)
        assert (response.status, kind(response)) == (404, "not_found_error")
    missing = send(provider, "/v1/chat/completions", chat(model="gpt-9"))
    assert (missing.status, read(missing)["error"]["code"]) == (404, "model_not_found")


def test_a_retired_model_answers_before_its_last_day() -> None:
    assert profile_for({"model": "claude-3-5-haiku"}, "anthropic", MAY_2025).model == "claude-3-5-haiku"
    with pytest.raises(ApiError):
        profile_for({"model": "claude-3-5-haiku"}, "anthropic", NOW)


def test_a_missing_model_is_a_400(provider: Provider) -> None:
    assert "model: Field required" in message(send(provider, "/v1/messages", messages(model=None)))
    assert send(provider, "/v1/responses", responses(model="")).status == 400


def test_a_prompt_longer_than_the_window_is_a_400(provider: Provider) -> None:
    text = "word " * 210_000
    assert "prompt is too long" in message(send(provider, "/v1/messages", messages(text, model="claude-haiku-4-5")))
    too_long = send(provider, "/v1/chat/completions", chat(text))
    assert read(too_long)["error"]["code"] == "context_length_exceeded"


def test_parts_of_an_unknown_shape_never_crash(provider: Provider) -> None:
    odd = [{"role": "user", "content": [{"type": "image", "source": 5}, {"type": "hologram", "data": [1, None]}]}]
    assert send(provider, "/v1/messages", messages(messages=odd)).status == 200
