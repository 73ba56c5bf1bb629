from __future__ import annotations

from hashlib import sha256

import pytest

from penstock.errors import UsageError
from penstock.gateway.headers import take_apart
from penstock.gateway.keys import KeyRing, forbidden, is_subscription
from penstock.policy.serving import VirtualKey

RING = KeyRing(
    {
        "search": VirtualKey(key="env:SEARCH", team="web", models=("claude-haiku-4-5",), tasks=("triage",)),
        "other": VirtualKey(key=f"sha256:{sha256(b'pk-other').hexdigest()}"),
    },
    {"SEARCH": "pk-search"},
)


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([(b"authorization", b"Bearer pk-search")], "search"),
        ([(b"x-api-key", b"pk-other")], "other"),
        ([(b"authorization", b"Bearer sk-real"), (b"x-penstock-key", b"pk-other")], "other"),
        ([(b"authorization", b"Bearer pk-searc")], None),
        ([(b"authorization", b"Bearer pk-search2")], None),
        ([(b"authorization", b"Bearer pk-search"), (b"x-penstock-key", b"wrong")], None),
        ([], None),
    ],
)
def test_the_whole_key_says_who_calls(lines: list[tuple[bytes, bytes]], name: str | None) -> None:
    holder = RING.holder(take_apart(lines))
    assert (holder.name if holder is not None else None) == name


def test_a_key_in_our_header_leaves_the_provider_s_alone() -> None:
    asked = take_apart([(b"authorization", b"Bearer sk-real"), (b"x-penstock-key", b"pk-other")])
    holder = RING.holder(asked)
    assert holder is not None
    assert holder.own_header
    assert asked.forwarded == [(b"authorization", b"Bearer sk-real")]


@pytest.mark.parametrize(
    ("task", "model", "code"),
    [
        ("triage", "claude-haiku-4-5", None),
        ("triage", "claude-haiku-4-5-20251001", None),
        ("triage", "claude-haiku-4-5-plus", "model_not_allowed"),
        ("triage", "claude-opus-5", "model_not_allowed"),
        ("other", "claude-haiku-4-5", "task_not_allowed"),
        (None, "claude-haiku-4-5", "task_not_allowed"),
    ],
)
def test_a_key_may_be_bound_to_tasks_and_models(task: str | None, model: str, code: str | None) -> None:
    holder = RING.holder(take_apart([(b"x-api-key", b"pk-search")]))
    assert holder is not None
    problem = forbidden(holder, task, model)
    assert (problem.code if problem is not None else None) == code


@pytest.mark.parametrize("reference", ["pk-plain", "sha256:abc", f"sha256:{'g' * 64}", "env:", "env:MISSING"])
def test_a_reference_that_names_nothing_is_refused_without_repeating_it(reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        KeyRing({"a": VirtualKey(key=reference)}, {})
    assert "pk-plain" not in str(caught.value)


def test_subscription_traffic_is_known_by_its_token() -> None:
    assert is_subscription(take_apart([(b"authorization", b"Bearer sk-ant-oat01-x")]))
    assert is_subscription(take_apart([(b"authorization", b"Bearer eyJhbGciOi.x.y")]))
    assert not is_subscription(take_apart([(b"authorization", b"Bearer sk-ant-api03-x")]))
    assert not is_subscription(take_apart([(b"x-api-key", b"sk-ant-oat01-x")]))
