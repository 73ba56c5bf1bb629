from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.evidence.sites import ALIKE, FEWEST, Sites, sketch_of
from penstock.evidence.task import fingerprint
from penstock.wire.view import View
from tests.levers.build import view_of
from tests.playbook import messages

_DRAW = random.Random(4)
LONG = " ".join(
    f"{_DRAW.choice('bcdfgklmnprst')}{_DRAW.choice('aeiou')}{_DRAW.choice('bdglmnrst')}" for _ in range(600)
)
NOTE = " This customer is called Anna Meier."


def _view(system: str, **more: object) -> View:
    return view_of(messages("hi", system=system, **more))


def _named(sites: Sites, system: str, at: float = 1.0, **more: object) -> str:
    view = _view(system, **more)
    return sites.name(fingerprint(view), view, at)


def test_a_prompt_that_differs_by_a_few_words_is_the_site_that_was_seen_first() -> None:
    sites = Sites()
    first = _named(sites, LONG)
    assert first == fingerprint(_view(LONG))
    assert _named(sites, LONG + NOTE) == first
    assert _named(sites, LONG + NOTE.replace("Anna Meier", "Jo")) == first
    assert len(sites) == 1


def test_half_other_words_other_tools_or_a_short_prompt_are_another_site() -> None:
    sites = Sites()
    words = LONG.split()
    tools = [{"name": "find", "input_schema": {"type": "object"}}]
    names = {
        _named(sites, LONG),
        _named(sites, " ".join(words[:300] + words[:299:-1])),
        _named(sites, LONG, tools=tools),
        _named(sites, "Sort the mail."),
        _named(sites, "Sort the bills."),
    }
    assert len(names) == len(sites) == 5


def test_names_outlast_a_restart_whatever_is_seen_first_then() -> None:
    sites = Sites()
    first = _named(sites, LONG)
    again = Sites.from_builtins(sites.to_builtins())
    assert again == sites
    assert _named(again, LONG + NOTE) == first
    assert _named(again, LONG) == first


@given(st.permutations([0, 1, 2]), st.permutations([0, 1, 2]))
@settings(max_examples=20)
def test_hosts_that_saw_sites_apart_agree_after_a_merge_in_any_order(seen: list[int], order: list[int]) -> None:
    hosts = []
    for at, number in enumerate(seen):
        host = Sites()
        _named(host, LONG + NOTE * number, at=float(at))
        _named(host, "Another prompt altogether. " * 20, at=float(10 - at))
        hosts.append(host)
    merged = Sites()
    for number in order:
        merged.merge(hosts[number])
    assert len(merged) == 2
    assert _named(merged, LONG) == fingerprint(_view(LONG + NOTE * seen[0]))


@pytest.mark.parametrize("value", [1, [[1]], [["x", "n", 1, []]], [[1, "n", 1, ["x"]]], {"a": 1}])
def test_what_is_no_sites_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Sites.from_builtins(value)


@given(st.text())
def test_a_text_of_any_kind_has_a_sketch_that_depends_on_nothing_else(text: str) -> None:
    assert sketch_of(text) == sketch_of(text)
    assert (sketch_of(text) == ()) == (len(text.casefold().split()) < FEWEST)


@given(st.integers(0, 599), st.integers(1, 12))
@settings(max_examples=40)
def test_a_few_changed_words_leave_a_sketch_alike(start: int, count: int) -> None:
    words = LONG.split()
    changed = [*words[:start], *(["changed"] * count), *words[start + count :]]
    one, other = sketch_of(LONG), sketch_of(" ".join(changed))
    assert sum(a == b for a, b in zip(one, other, strict=True)) >= ALIKE * len(one)
