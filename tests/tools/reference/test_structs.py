from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest

from tools.reference.structs import definitions, kind_of, members, referred, struct_table


class Inner(msgspec.Struct):
    """What is inside.

    Attributes:
        size: in ``tokens``.
    """

    size: int


class Outer(msgspec.Struct, kw_only=True):
    """What is outside.

    Attributes:
        name: of it,
            on two lines.
        share: a part.
        inner: what it holds.
    """

    name: str
    share: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.5
    inner: Inner | None = None
    kinds: tuple[Literal["b", "a"], ...] = ("a",)
    counts: dict[str, int] = {}


def test_members_have_type_default_and_meaning() -> None:
    known = definitions(Outer)
    found = {member.name: tuple(member)[1:] for member in members(known["Outer"], known)}
    assert found["`name`"] == ("string", "required", "of it, on two lines.")
    assert found["`share`"] == ("number > 0 and ≤ 1", "`0.5`", "a part.")
    assert found["`inner`"] == ("Inner, or none", "", "what it holds.")
    assert found["`kinds`"] == ('list of `"a"`, `"b"`', '`["a"]`', "")
    assert found["`counts`"] == ("table of integer", "`{}`", "")


def test_what_a_struct_holds_is_described_too() -> None:
    known = definitions(Outer)
    assert known["Inner"]["description"] == "What is inside."
    assert struct_table(known["Inner"], known)[2] == "| `size` | integer | in `tokens`. |"


def test_a_member_refers_to_a_struct_whether_or_not_it_is_optional() -> None:
    known = definitions(Outer)
    properties = known["Outer"]["properties"]
    assert referred(properties["inner"], known) == "Inner"
    assert referred(properties["name"], known) is None
    assert referred({"$ref": "#/$defs/Inner"}, known) == "Inner"


@pytest.mark.parametrize(
    ("schema", "said"),
    [({}, "any"), ({"type": "array"}, "list"), ({"type": "object"}, "table"), ({"type": "null"}, "none")],
)
def test_schemas_that_say_little_are_named_in_a_word(schema: dict[str, str], said: str) -> None:
    assert kind_of(schema, {}) == said
