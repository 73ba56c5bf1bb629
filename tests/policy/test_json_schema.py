from __future__ import annotations

from penstock.policy.json_schema import attribute_docs, describe, policy_json_schema


def test_every_key_of_the_policy_is_in_the_schema_with_its_description() -> None:
    schema = policy_json_schema()
    cap = schema["$defs"]["CapPolicy"]
    assert cap["additionalProperties"] is False
    assert cap["properties"]["multiplier"]["default"] == 1.2
    assert cap["properties"]["multiplier"]["description"] == "the cap is ceil(multiplier x the expected size)."
    assert "``sentences``" in cap["properties"]["output"]["description"]
    assert schema["$defs"]["Policy"]["properties"]["mode"]["enum"] == ["apply", "observe"]


def test_descriptions_of_tables_are_one_line() -> None:
    assert all("\n" not in one["description"] for one in policy_json_schema()["$defs"].values())


def test_a_text_goes_on_over_lines_that_look_like_names() -> None:
    docstring = """Summary.

    Attributes:
        one: first,
            note: still the first.
        two:
            all of it below.

    Raises:
"""
    assert attribute_docs(docstring) == {"one": "first, note: still the first.", "two": "all of it below."}


def test_a_docstring_without_attributes_describes_none() -> None:
    assert attribute_docs("Summary.\n\nnot: an attribute") == {}


def test_describing_keeps_what_is_not_told() -> None:
    definitions = {
        "A": {"description": "An A.\n\nAttributes:\n    x: the x.", "properties": {"x": {}, "y": {"type": "null"}}}
    }
    describe(definitions)
    assert definitions["A"] == {
        "description": "An A.",
        "properties": {"x": {"description": "the x."}, "y": {"type": "null"}},
    }
