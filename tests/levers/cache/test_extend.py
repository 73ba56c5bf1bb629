from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.sightings import Later
from penstock.levers.cache.chain import chain_of
from penstock.levers.cache.client_marks import client_marks
from penstock.levers.cache.extend import Extending, Extent, cost, extending_body, extension_worth, longer_write
from penstock.levers.cache.planner import Terms, Write
from penstock.simulator.provider import Provider
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.echo import Echo, echo_of
from penstock.wire.view import View, read_request
from tests.levers.cache.prompts import LONG, anthropic, chat, view_of
from tests.levers.cache.provider import profile, tokens_of
from tests.simulator.asking import NOW, read, send

HOUR = Write("1h", 3600.0, 2.0)
FIVE = Write("5m", 300.0, 1.25)
TERMS = Terms(read=0.05, writes=(HOUR, FIVE), minimum=512)
MODEL = "claude-sonnet-5-5"  # it thinks only when it is asked to
MARK = {"cache_control": {"type": "ephemeral"}}
AN_HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def _later(chance: float) -> Later:
    return Later(chance, {300.0: 0.5, 3600.0: 0.6})


def _worth(chance: float, prefix: int = 20_000, new: int = 300, terms: Terms = TERMS) -> float:
    return extension_worth(terms, terms.writes[0], Extent(prefix, prefix + new), _later(chance))


def test_a_request_pays_where_a_late_turn_is_likely_enough_to_repay_one_read_of_the_prefix() -> None:
    assert _worth(0.12) > 0.0
    assert _worth(0.05) < 0.0
    dearer = Terms(read=0.1, writes=TERMS.writes, minimum=512)
    assert _worth(0.09, terms=dearer) < 0.0 < _worth(0.09)


def test_the_more_has_to_be_written_the_likelier_the_next_turn_has_to_be() -> None:
    assert _worth(0.12, new=300) > 0.0 > _worth(0.12, new=3000)
    assert cost(TERMS, HOUR, Extent(1000, 1300, 7)) == pytest.approx(0.05 * 1000 + 2.0 * 300 + 7)


@given(st.floats(0.0, 1.0), st.integers(512, 10**6), st.integers(0, 10**4))
def test_a_request_never_promises_more_than_a_rewrite_for_an_hour_costs(chance: float, prefix: int, new: int) -> None:
    extent = Extent(prefix, prefix + new)
    worth = extension_worth(TERMS, HOUR, extent, _later(chance))
    assert -1.1 * cost(TERMS, HOUR, extent) <= worth <= HOUR.rate * extent.whole
    assert extension_worth(TERMS, HOUR, extent, _later(0.0)) < 0.0


def test_the_longest_lifetime_is_taken_and_none_where_the_entry_has_it() -> None:
    assert longer_write(TERMS, 300.0) == HOUR
    assert longer_write(TERMS, 3600.0) is None


def _answer(text: str = "By Friday.") -> Echo:
    content = [{"type": "text", "text": text}]
    echo = echo_of(json.dumps({"content": content, "stop_reason": "end_turn"}).encode(), thinking=None)
    assert echo is not None
    return echo


def _extending(view: View, answer: Echo | None = None, asked: View | None = None) -> Extending | Unknown:
    fixed = () if asked is None else client_marks(asked, profile(asked))
    return extending_body(view, profile(view), HOUR, fixed=fixed, look_back=20, answer=answer)


def _why(body: dict[str, Any], answer: Echo | None = None, asked: dict[str, Any] | None = None) -> str:
    found = _extending(view_of(body), answer, None if asked is None else view_of(asked))
    assert isinstance(found, Unknown)
    return found.why


def _key(view: View, position: int) -> int:
    return chain_of(view, tokens_of(view), profile(view), "").key(position)


LAST = [{"type": "text", "text": "Who pays?", **MARK}]
BEFORE_LAST = [{"type": "text", "text": LONG, **MARK}, {"type": "text", "text": "Who pays?"}]
HEAD_AND_LAST = [{"type": "text", "text": LONG, **AN_HOUR}]


@pytest.mark.parametrize(
    ("body", "behind"),
    [
        (anthropic(turns=[LAST], model=MODEL), "the answer"),
        (anthropic(turns=[BEFORE_LAST], model=MODEL), "the prompt"),
        (anthropic(turns=["One", "Two", LAST], model=MODEL), "the answer"),
        (anthropic(system=[{"type": "text", "text": LONG, **MARK}], model=MODEL), "the prompt"),
        (anthropic(system=HEAD_AND_LAST, turns=[LAST], model=MODEL, stream=True), "the answer"),
    ],
)
def test_one_request_reads_the_prefix_and_the_next_turn_reads_it_twenty_minutes_later(
    body: dict[str, Any], behind: str
) -> None:
    view = view_of({**body, "stream": False})
    provider = Provider()
    first = read(send(provider, "/v1/messages", view.raw))
    said = first["content"][0]["text"]
    made = _extending(view_of(body), _answer(said))
    assert isinstance(made, Extending)
    sent = json.loads(made.body)
    assert (sent["max_tokens"], "stream" in sent) == (0, False)
    assert (sent["messages"][-1] == {"role": "user", "content": "."}) == (behind == "the answer")
    kept = read(send(provider, "/v1/messages", made.body, at=NOW + 270.0))["usage"]
    assert kept["output_tokens"] == 0
    assert kept["cache_read_input_tokens"] == first["usage"]["cache_creation_input_tokens"]
    assert 0 < kept["cache_creation"]["ephemeral_1h_input_tokens"] < 600
    assert kept["cache_creation"]["ephemeral_5m_input_tokens"] == 0
    turns = [*body["messages"], {"role": "assistant", "content": said}]
    turns.append({"role": "user", "content": [{"type": "text", "text": "And by when?", **AN_HOUR}]})
    again = view_of({**body, "stream": False, "system": _plain(body["system"]), "messages": _unmarked(turns)})
    used = read(send(provider, "/v1/messages", again.raw, at=NOW + 1470.0))["usage"]
    assert used["cache_read_input_tokens"] == (
        kept["cache_read_input_tokens"] + kept["cache_creation"]["ephemeral_1h_input_tokens"]
    )
    extended = read_request(Dialect.ANTHROPIC_MESSAGES, made.body)
    assert _key(extended, made.position) == _key(again, made.position)
    assert _key(extended, made.found) == _key(view, made.found)


def _plain(system: Any) -> Any:
    return system if isinstance(system, str) else system[0]["text"]


def _unmarked(turns: list[Any]) -> list[Any]:
    """The turns with a marker on the last one alone."""

    def plain(content: Any) -> Any:
        if isinstance(content, str):
            return content
        return [{key: value for key, value in block.items() if key != "cache_control"} for block in content]

    return [*({**turn, "content": plain(turn["content"])} for turn in turns[:-1]), turns[-1]]


def test_a_call_of_a_tool_is_kept_with_a_result_that_stands_in() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": 7}}
    tools = [{"name": "look", "description": "Looks things up.", "input_schema": {"type": "object"}}]
    answer = echo_of(json.dumps({"content": [call], "stop_reason": "tool_use"}).encode(), thinking=None)
    view = view_of(anthropic(turns=[LAST], model=MODEL, tools=tools))
    provider = Provider()
    send(provider, "/v1/messages", view.raw)
    made = _extending(view, answer)
    assert isinstance(made, Extending)
    kept = read(send(provider, "/v1/messages", made.body, at=NOW + 270.0))["usage"]
    assert kept["cache_read_input_tokens"] > 1000
    assert kept["cache_creation"]["ephemeral_1h_input_tokens"] > 0


def test_the_client_s_own_shorter_markers_stay_so_that_nothing_longer_can_stand_behind_them() -> None:
    marked = anthropic(turns=[LAST])
    assert "client's own" in _why(marked, _answer(), asked=marked)
    assert "client's own" in _why(anthropic(**MARK), _answer())
    an_hour = anthropic(system=HEAD_AND_LAST)
    found = _extending(view_of(anthropic(system=HEAD_AND_LAST, turns=[LAST])), _answer(), view_of(an_hour))
    assert isinstance(found, Extending)


def test_where_nothing_new_is_known_to_come_again_nothing_is_sent() -> None:
    assert "nothing stands behind" in _why(anthropic(turns=[LAST]))
    assert "does not end" in _why(anthropic(), _answer())
    assert "does not end" in _why(anthropic(turns=[LAST, "It is"]), _answer())
    assert "thinking" in _why(anthropic(turns=[LAST], thinking={"type": "enabled", "budget_tokens": 1024}), _answer())
    assert "API" in _why(chat(), _answer())


def test_an_entry_that_no_marker_behind_it_would_find_is_left_alone() -> None:
    near = [{"type": "text", "text": LONG, **MARK}, *({"type": "text", "text": f"{n}"} for n in range(19))]
    assert isinstance(_extending(view_of(anthropic(turns=[near]))), Extending)
    assert "too far" in _why(anthropic(turns=[[*near, {"type": "text", "text": "19"}]]))
