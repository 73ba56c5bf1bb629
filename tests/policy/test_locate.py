from __future__ import annotations

from penstock.policy.locate import line_of

TEXT = '''# a policy
mode = "apply"

[tasks.triage]
# the cap
cap = { output = "boolean" }

[tasks."e mail".route]
model = """
a
b
"""
verify = [
  "json",
]
'''


def test_a_key_is_found_on_its_own_line() -> None:
    assert line_of(TEXT, ["mode"]) == 2
    assert line_of(TEXT, ["tasks", "triage"]) == 4
    assert line_of(TEXT, ["tasks", "triage", "cap", "output"]) == 6
    assert line_of(TEXT, ["tasks", "e mail", "route"]) == 8


def test_a_value_of_several_lines_is_found_where_it_starts() -> None:
    assert line_of(TEXT, ["tasks", "e mail", "route", "model"]) == 9
    assert line_of(TEXT, ["tasks", "e mail", "route", "verify"]) == 13


def test_a_key_that_is_not_there_has_no_line() -> None:
    assert line_of(TEXT, ["tasks", "other"]) is None
    assert line_of(TEXT, ["mode", "deeper"]) is None
    assert line_of("", ["mode"]) is None
