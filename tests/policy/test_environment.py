from __future__ import annotations

import pytest

from penstock.policy.decode import BadKey
from penstock.policy.environment import overrides


def test_double_underscores_nest_and_values_are_read_as_toml() -> None:
    found = list(
        overrides(
            {
                "PENSTOCK_MODE": "apply",
                "PENSTOCK_HOLDBACK__SHARE": "0.25",
                "PENSTOCK_TASKS__TRIAGE__ROUTE__VERIFY": '["json"]',
                "PENSTOCK_LEVERS__CAP": "false",
                "HOME": "/root",
            },
            {},
        )
    )
    assert found == [
        (("holdback", "share"), 0.25, "PENSTOCK_HOLDBACK__SHARE"),
        (("levers", "cap"), False, "PENSTOCK_LEVERS__CAP"),
        (("mode",), "apply", "PENSTOCK_MODE"),
        (("tasks", "triage", "route", "verify"), ["json"], "PENSTOCK_TASKS__TRIAGE__ROUTE__VERIFY"),
    ]


def test_a_task_keeps_the_spelling_of_the_file() -> None:
    found = list(overrides({"PENSTOCK_TASKS__E_MAIL__CAP__MAX_OUTPUT": "60"}, {"tasks": {"E-mail": {}}}))
    assert found[0][0] == ("tasks", "E-mail", "cap", "max_output")


def test_variables_of_the_surroundings_are_no_policy_keys() -> None:
    assert list(overrides({"PENSTOCK_POLICY": "x.toml", "PENSTOCK_LEDGER": "l.db"}, {})) == []


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("PENSTOCK_MOD", "PENSTOCK_MOD: unknown key `mod`", "did you mean `mode`?"),
        ("PENSTOCK_LEVERS__CACH", "PENSTOCK_LEVERS__CACH: unknown key `levers.cach`", "did you mean `cache`?"),
        ("PENSTOCK_MODE__X", "PENSTOCK_MODE__X: `mode` has no keys below it", None),
    ],
)
def test_a_variable_that_names_no_key_is_an_error(name: str, message: str, hint: str | None) -> None:
    with pytest.raises(BadKey) as caught:
        list(overrides({name: "1"}, {}))
    assert (str(caught.value), caught.value.hint) == (message, hint)
