from __future__ import annotations

from typing import Any

import pytest

from penstock.policy.decode import BadKey, decode, dotted, unknown_key
from penstock.policy.schema import Policy, Upstream


def test_keys_are_quoted_only_where_toml_needs_it() -> None:
    assert dotted(("tasks", "e-mail", "cap")) == "tasks.e-mail.cap"
    assert dotted(("tasks", "a b", "")) == 'tasks."a b".""'


def test_tables_become_structs_at_every_depth() -> None:
    policy = decode(
        {"upstream": {"openai": {"base_url": "http://x"}}, "tasks": {"a": {"route": {"verify": ["json"]}}}}, Policy
    )
    assert policy.upstream == {"openai": Upstream(base_url="http://x")}
    assert policy.tasks["a"].route.verify == ("json",)


@pytest.mark.parametrize(
    ("tables", "key", "hint"),
    [
        ({"levers": {"cach": True}}, ("levers", "cach"), "did you mean `cache`?"),
        ({"tasks": {"a": {"cap": {"max_outputs": 1}}}}, ("tasks", "a", "cap", "max_outputs"), "`max_output`"),
        ({"mode": "aply"}, ("mode",), 'did you mean "apply"?'),
        ({"tasks": {"a": {"route": {"verify": ["jsn"]}}}}, ("tasks", "a", "route", "verify"), '"json"'),
        ({"tasks": {"a": {"trim": {"when": "qqq"}}}}, ("tasks", "a", "trim", "when"), '"pays", "always"'),
        ({"zzz": 1}, ("zzz",), "known here: audit"),
    ],
)
def test_a_wrong_key_or_word_is_named_with_a_suggestion(tables: Any, key: Any, hint: str) -> None:
    with pytest.raises(BadKey) as caught:
        decode(tables, Policy)
    assert caught.value.key == key
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"holdback": {"share": 3}}, "`holdback.share`: expected a number <= 1.0"),
        ({"holdback": {"share": "x"}}, "`holdback.share`: expected a number, got text"),
        ({"levers": 3}, "`levers` must be a table, not a number"),
        ({"defaults": {"cap": {"max_output": "60"}}}, "`defaults.cap.max_output`: expected a whole number, got text"),
    ],
)
def test_a_wrong_value_is_named_in_the_words_of_a_toml_file(tables: Any, message: str) -> None:
    with pytest.raises(BadKey) as caught:
        decode(tables, Policy)
    assert str(caught.value) == message


def test_an_unknown_key_far_from_all_lists_what_is_known() -> None:
    assert unknown_key(("a", "qqqq"), {"beta": 1, "alpha": 2}).hint == "known here: alpha, beta"
