from __future__ import annotations

from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.simulator.reply import Reply
from tests.simulator.asking import messages, read, send


def test_the_defaults_refuse_nothing_and_answer_at_once() -> None:
    config = Config()
    assert not config.limits.enforced
    assert config.faults == ()
    response = send(Provider(config), "/v1/messages", messages())
    assert (response.status, response.first_byte_s, response.generation_s) == (200, 0.0, 0.0)


def test_a_responder_is_any_callable() -> None:
    provider = Provider(Config(responder=lambda view, digest: Reply(text=f"{view.model} {len(digest)}")))
    assert read(send(provider, "/v1/messages", messages()))["content"][0]["text"] == "claude-sonnet-5-5 16"


def test_time_to_the_first_byte_and_generation_speed_are_simulated() -> None:
    config = Config(first_byte_s=0.5, tokens_per_s=100, responder=lambda *_: Reply(text="x", output_tokens=200))
    response = send(Provider(config), "/v1/messages", messages())
    assert (response.first_byte_s, response.generation_s) == (0.5, 2.0)
    slow = Config(first_byte_s=0.5, responder=lambda *_: Reply(text="x", delay=3.0))
    assert send(Provider(slow), "/v1/messages", messages()).first_byte_s == 3.0


def test_keys_are_cache_scopes_of_their_own_when_asked() -> None:
    system = [{"type": "text", "text": "word " * 1000, "cache_control": {"type": "ephemeral"}}]
    for apart, reads in ((False, True), (True, False)):
        provider = Provider(Config(scope_by_key=apart))
        send(provider, "/v1/messages", messages(system=system), headers={"x-api-key": "one"})
        second = send(provider, "/v1/messages", messages(system=system), headers={"x-api-key": "two"})
        assert bool(read(second)["usage"]["cache_read_input_tokens"]) is reads


def test_requests_are_kept_only_as_many_as_asked() -> None:
    for keep in (0, 2):
        provider = Provider(Config(keep_requests=keep, keep_calls=1))
        for _ in range(3):
            send(provider, "/v1/messages", messages())
        assert len(provider.logged()) == keep
        assert len(provider.billed()) == 1
