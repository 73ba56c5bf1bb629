from __future__ import annotations

from penstock.wire.chain import Chain, Content, Place
from penstock.wire.raw import ABSENT, Raw, object_of
from penstock.wire.reader import add_content, add_part, add_tools, add_unknown, add_whole, without_extras
from penstock.wire.segments import Level, Marker


class _Marked(Content, frozen=True):
    def marker_of(self, value: Raw) -> Marker | None:
        return Marker(bytes(value).decode())


_CONTENT = _Marked(kinds={"text": "text"}, markable=frozenset({"text"}), marker_key="mark", context="test")
_PLACE = Place(level=Level.MESSAGES, role="user", message=3, path=("messages", 3, "content"), extras=b"name")


def test_content_that_is_not_there_adds_nothing() -> None:
    chain = Chain(_CONTENT)
    assert not add_content(chain, _PLACE, ABSENT)
    assert not add_content(chain, _PLACE, Raw(b"null"))
    assert not add_content(chain, _PLACE, Raw(b"[]"))
    assert chain.segments == []


def test_only_the_last_part_of_the_last_content_ends_its_message() -> None:
    parts = Raw(b'[{"type":"text","text":"a"},{"type":"text","text":"b"}]')
    chain = Chain(_CONTENT)
    add_content(chain, _PLACE, parts, last=False)
    add_content(chain, _PLACE, parts)
    assert [one.ends_message for one in chain.segments] == [False, False, False, True]


def test_extras_belong_to_the_first_part_alone() -> None:
    chain = Chain(_CONTENT)
    add_content(chain, _PLACE, Raw(b'[{"type":"text","text":"a"},{"type":"text","text":"a"}]'))
    add_content(chain, without_extras(_PLACE), Raw(b'"a"'))
    first, second, plain = chain.segments
    assert first.digest != second.digest == plain.digest


def test_a_kind_given_by_the_place_wins_over_the_part_type() -> None:
    chain = Chain(_CONTENT)
    place = Place(level=Level.MESSAGES, role="tool", message=0, path=("x",), kind="tool_result")
    part = object_of(Raw(b'{"type":"text","text":"a"}'))
    assert part is not None
    add_part(chain, place, part, ("x", 0), last=True)
    add_whole(chain, place, part)
    assert [one.kind for one in chain.segments] == ["tool_result", "tool_result"]


def test_sizes_leave_out_quotes_and_markers() -> None:
    chain = Chain(_CONTENT)
    add_content(chain, _PLACE, Raw(b'"abc"'))
    add_content(chain, _PLACE, Raw(b'[{"type":"text","text":"abc","mark":{"much":"more"}}]'))
    assert [one.size for one in chain.segments] == [3, 3]


def test_tools_and_unknown_values_are_segments_too() -> None:
    chain = Chain(_CONTENT)
    add_tools(chain, "tools", Raw(b'[{"name":"a"},{"name":"b"}]'), markable=True)
    add_tools(chain, "tools", Raw(b'"odd"'), markable=True)
    add_unknown(chain, Level.MESSAGES, ("messages", 0), 0, Raw(b"5"))
    assert [(one.kind, one.markable) for one in chain.segments] == [
        ("tool", True),
        ("tool", True),
        ("other", False),
        ("other", False),
    ]
