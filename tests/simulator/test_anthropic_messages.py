from __future__ import annotations

from penstock.simulator.config import Config
from penstock.simulator.provider import Provider
from penstock.simulator.reply import Reply, ToolCall
from penstock.simulator.responders import Scripted
from tests.simulator.asking import messages, read, send


def provider_saying(*replies: Reply | str) -> Provider:
    return Provider(Config(responder=Scripted(list(replies))))


def test_a_body_has_the_documented_members() -> None:
    body = read(send(provider_saying("Fine."), "/v1/messages", messages()))
    assert body["content"] == [{"type": "text", "text": "Fine."}]
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert body["stop_sequence"] is body["stop_details"] is body["container"] is None
    assert body["usage"]["service_tier"] == "standard"
    assert body["usage"]["inference_geo"] == "global"
    assert body["usage"]["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    assert "diagnostics" not in body
    assert "speed" not in body["usage"]


def test_tool_calls_stand_behind_the_text_with_decoded_input() -> None:
    reply = Reply(text="Looking.", tool_calls=(ToolCall("weather", '{"city":"Ulm"}'),))
    body = read(send(provider_saying(reply), "/v1/messages", messages()))
    assert [block["type"] for block in body["content"]] == ["text", "tool_use"]
    assert body["content"][1]["input"] == {"city": "Ulm"}
    assert body["stop_reason"] == "tool_use"


def test_stop_reasons_follow_the_answer() -> None:
    provider = provider_saying("a b STOP c", Reply(text="I cannot.", refused=True))
    stopped = read(send(provider, "/v1/messages", messages(stop_sequences=["STOP"])))
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "STOP")
    refused = read(send(provider, "/v1/messages", messages()))
    assert refused["stop_reason"] == "refusal"
    assert refused["stop_details"]["type"] == "refusal"


def test_thinking_is_shown_or_withheld_as_the_request_and_the_model_say() -> None:
    reply = Reply(text="So.", reasoning_tokens=40)

    def thought(**fields: object) -> str:
        body = read(send(provider_saying(reply), "/v1/messages", messages(**fields)))
        assert body["usage"]["output_tokens_details"] == {"thinking_tokens": 40}
        assert body["content"][0]["signature"]
        return str(body["content"][0]["thinking"])

    assert thought(model="claude-opus-5-5") == ""
    assert thought(model="claude-opus-5-5", thinking={"type": "adaptive", "display": "summarized"})
    assert thought(model="claude-sonnet-4-6", thinking={"type": "adaptive"})
    assert thought(model="claude-sonnet-4-6", thinking={"type": "adaptive", "display": "omitted"}) == ""


def test_a_pre_warm_reads_writes_and_says_nothing() -> None:
    provider = provider_saying("never said")
    system = [{"type": "text", "text": "word " * 1000, "cache_control": {"type": "ephemeral"}}]
    body = read(send(provider, "/v1/messages", messages(max_tokens=0, system=system)))
    assert (body["content"], body["stop_reason"]) == ([], "max_tokens")
    usage = body["usage"]
    assert usage["output_tokens"] == 0
    assert usage["cache_creation_input_tokens"] > 1000
    assert usage["iterations"][0]["cache_creation_input_tokens"] == usage["cache_creation_input_tokens"]
    later = read(send(provider, "/v1/messages", messages(system=system)))
    assert later["usage"]["cache_read_input_tokens"] == usage["cache_creation_input_tokens"]


def test_speed_and_region_are_echoed_and_billed() -> None:
    provider = provider_saying("Fine.")
    plain = send(provider, "/v1/messages", messages(model="claude-opus-5-5"))
    there = send(provider, "/v1/messages", messages(model="claude-opus-5-5", inference_geo="us", speed="fast"))
    assert read(there)["usage"]["inference_geo"] == "us"
    assert read(there)["usage"]["speed"] == "fast"
    first, second = provider.billed()
    assert second.usage == first.usage
    assert plain.status == 200
    assert isinstance(first.cost, int)
    assert isinstance(second.cost, int)
    assert second.cost * 10 == first.cost * 22, "fast doubles Opus 5.5, the region adds a tenth"
