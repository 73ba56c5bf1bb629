from __future__ import annotations

import pytest

from penstock.cachemodel.cases.fields import CaseError, Fields


def test_values_are_taken_by_the_first_name_that_is_there() -> None:
    fields = Fields({"b": 1, "c": None, "x.y": "z"}, "case")
    assert fields.take("a", "b") == 1
    assert fields.take("c") is None
    assert fields.text("x_y") == "z"
    fields.finish()


def test_what_is_left_over_is_named() -> None:
    with pytest.raises(CaseError, match="case: no rule for p, q"):
        Fields({"q": 1, "p": 2, "notes": "free", "empty": None, "ok": 3}, "case").finish("ok")


@pytest.mark.parametrize("value", ["3", -1, 1.5, True, [1]])
def test_a_count_is_a_whole_number(value: object) -> None:
    with pytest.raises(CaseError, match="n is not a whole number"):
        Fields({"n": value}, "case").count("n")


def test_wrong_types_are_named() -> None:
    with pytest.raises(CaseError, match="not an object"):
        Fields([1], "case")
    with pytest.raises(CaseError, match="t is not a string"):
        Fields({"t": 1}, "case").text("t")
    with pytest.raises(CaseError, match="f is not true or false"):
        Fields({"f": "yes"}, "case").flag("f")
    with pytest.raises(CaseError, match="s is not a number"):
        Fields({"s": "0"}, "case").seconds("s")
    with pytest.raises(CaseError, match="l is not a list"):
        Fields({"l": {}}, "case").objects("l")
    with pytest.raises(CaseError, match="case, l 2 is not an object"):
        Fields({"l": [{}, 3]}, "case").objects("l")


def test_absent_values_have_their_natural_form() -> None:
    fields = Fields({"null": None}, "case")
    assert (fields.text("t"), fields.count("n"), fields.seconds("s"), fields.objects("l")) == (None, None, None, [])
    assert fields.flag("f") is False
    assert fields.has("null")
    assert not fields.has("other")
