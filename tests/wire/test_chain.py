from __future__ import annotations

import msgspec
import pytest

from penstock.wire.chain import Chain, Content, Place, digest_of_members, digest_of_value, extras_of, seed_of
from penstock.wire.dialect import Dialect
from penstock.wire.raw import Raw, object_of
from penstock.wire.segments import Level
from penstock.wire.view import read_request
from penstock.wire.weight import Weight

_CONTENT = Content(kinds={}, markable=frozenset(), marker_key="mark", context="test")
_PLACE = Place(level=Level.MESSAGES, role="user", message=0, path=("messages", 0))


def members(text: str) -> dict[str, msgspec.Raw]:
    found = object_of(Raw(text.encode()))
    assert found is not None
    return found


def test_equal_messages_at_different_places_are_different_segments() -> None:
    raw = b'{"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":"a"}]}'
    first, second = read_request(Dialect.ANTHROPIC_MESSAGES, raw).segments
    assert first.digest == second.digest
    assert first.prefix != second.prefix
    assert (first.message, second.message) == (0, 1)


def test_the_default_lifetime_of_one_request_is_not_that_of_another() -> None:
    raw = (
        b'{"model":"m","prompt_cache_options":{"ttl":"%b"},"input":[{"role":"user","content":'
        b'[{"type":"input_text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}}]}]}'
    )
    views = [read_request(Dialect.OPENAI_RESPONSES, raw % ttl) for ttl in (b"12h", b"30m", b"12h")]
    assert [view.segments[0].marker.ttl for view in views if view.segments[0].marker] == ["12h", "30m", "12h"]


def test_the_first_prefix_is_not_the_digest_and_each_prefix_covers_all_before_it() -> None:
    one, other = Chain(_CONTENT), Chain(_CONTENT)
    for each, first in ((one, b"a" * 16), (other, b"b" * 16)):
        each.add(_PLACE, "text", (), first, Weight(1))
        each.add(_PLACE, "text", (), b"c" * 16, Weight(1))
    assert one.segments[1].digest == other.segments[1].digest
    assert one.segments[1].prefix != other.segments[1].prefix
    assert one.segments[0].prefix != one.segments[0].digest


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (("messages", "user", "text"), ("system", "user", "text")),
        (("messages", "user", "text"), ("messages", "assistant", "text")),
        (("messages", "user", "text"), ("messages", "user", "tool_result")),
        (("messages", "us", "er"), ("messages", "use", "r")),
    ],
)
def test_level_role_and_kind_are_part_of_a_digest(left: tuple[str, str, str], right: tuple[str, str, str]) -> None:
    value = Raw(b'"x"')
    assert digest_of_value(seed_of(*left), value) != digest_of_value(seed_of(*right), value)


def test_a_digest_of_members_leaves_out_the_marker_wherever_it_stands() -> None:
    plain, _ = digest_of_members(1, members('{"a":1,"b":[2]}'), "mark")
    for text in ('{"mark":{},"a":1,"b":[2]}', '{"a":1, "mark":null ,"b":[2]}', '{"a":1,"b":[2],"mark":5}'):
        assert digest_of_members(1, members(text), "mark")[0] == plain


@pytest.mark.parametrize("text", ['{"b":[2],"a":1}', '{"a":1,"b":[ 2]}', '{"a":1.0,"b":[2]}', '{"a":1}', '{"ab":[2]}'])
def test_t7_order_spaces_inside_and_number_format_are_significant(text: str) -> None:
    assert digest_of_members(1, members(text), "mark")[0] != digest_of_members(1, members('{"a":1,"b":[2]}'), "mark")[0]


def test_what_stands_beside_the_content_is_part_of_the_first_digest() -> None:
    known = frozenset({"role", "content"})
    assert extras_of(members('{"role":"user","content":"a"}'), known) == b""
    named = extras_of(members('{"role":"user","name":"Ada","content":"a"}'), known)
    other = extras_of(members('{"role":"user","name":"Bob","content":"a"}'), known)
    value = Raw(b'"a"')
    assert len({digest_of_value(1, value), digest_of_value(1, value, named), digest_of_value(1, value, other)}) == 3
    assert digest_of_members(1, {}, "mark", named) != digest_of_members(1, {}, "mark", other)
