from __future__ import annotations

from penstock.policy.json_schema import policy_json_schema


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
