from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.ahead import Ahead, look_ahead
from penstock.engine.context import EngineContext
from penstock.models.tiers import Tier
from penstock.policy.load import load_policy
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.usage import Basis
from penstock.wire.view import read_request
from tests.playbook import NOW, chat, incoming, messages

SYSTEM = [{"type": "text", "text": "You are kind. " * 1000, "cache_control": {"type": "ephemeral"}}]
APPLY = 'mode = "apply"\nholdback.share = 0.0\n'


def _ahead(
    context: EngineContext, body: dict[str, Any], dialect: Dialect = Dialect.ANTHROPIC_MESSAGES, **more: Any
) -> Ahead:
    request = incoming(body, dialect, **more)
    return look_ahead(read_request(dialect, request.raw), request, context)


@pytest.mark.parametrize(
    ("policy", "bypass", "arm"),
    [("", False, "observe"), ("", True, "bypass"), (APPLY, False, "treated"), (APPLY, True, "bypass"),
     ('mode = "apply"\nholdback.share = 1.0', False, "holdback")],
)  # fmt: skip
def test_the_arm_is_the_callers_then_the_policys_then_drawn(policy: str, bypass: bool, arm: str) -> None:
    assert _ahead(EngineContext(load_policy(policy)), messages("x"), bypass=bypass).arm == arm


def test_a_bypassed_call_is_not_planned_at_all() -> None:
    policy = APPLY + "[defaults.cap]\nmax_output = 5"
    assert _ahead(EngineContext(load_policy(policy)), messages("x"), bypass=True).plan.edits == ()


def test_prices_are_those_that_the_cache_model_foresees() -> None:
    context = EngineContext(load_policy(""), levers=())
    first = _ahead(context, messages("a", system=SYSTEM))
    assert first.plan.before.basis is Basis.DERIVED
    assert first.plan.before.usage.cache_write_5m > 3000
    first.sending(first.plan.view, NOW, context, "c")
    context.began("c", NOW + 1)
    second = _ahead(context, messages("b", system=SYSTEM), started_at=NOW + 2)
    assert second.plan.before.usage.cache_read > 3000
    assert second.plan.after == second.plan.before


def test_an_unknown_model_is_priced_as_unknown_and_still_planned() -> None:
    ahead = _ahead(EngineContext(load_policy("")), messages("x", model="who-knows"))
    assert ahead.before is None
    assert isinstance(ahead.plan.price_before, Unknown)


def test_t15_how_warm_the_clients_model_is_is_known_where_a_route_may_act() -> None:
    context = EngineContext(load_policy('[tasks.t.route]\nmodel = "claude-haiku-4-5"'), levers=())
    first = _ahead(context, messages("a", system=SYSTEM), task="t")
    first.sending(first.plan.view, NOW, context, "c")
    context.began("c", NOW + 1)
    warm = _ahead(context, messages("b", system=SYSTEM), task="t", started_at=NOW + 2).plan.facts.warm
    assert isinstance(warm, int)
    assert warm > 3000
    assert isinstance(_ahead(context, messages("b", system=SYSTEM), task="other").plan.facts.warm, Unknown)


def test_a_changed_request_parts_the_worlds_and_its_forecast_is_used_for_the_send() -> None:
    context = EngineContext(load_policy(APPLY + "[defaults.cap]\nmax_output = 5"))
    ahead = _ahead(context, messages("x", model="claude-haiku-4-5"))
    assert ahead.plan.edits
    assert not context.forecast.parted
    ahead.sending(ahead.plan.planned, NOW, context, "c")
    assert context.forecast.parted
    assert ahead.sent is ahead.planned
    ahead.sending(ahead.plan.view, NOW + 5, context, "c")
    assert ahead.sent is not ahead.planned


def test_the_tier_that_is_asked_for_is_the_price_that_is_foreseen() -> None:
    context = EngineContext(load_policy(""), levers=())
    flex = _ahead(context, chat("x", service_tier="flex"), Dialect.OPENAI_CHAT)
    assert flex.plan.facts.tier == Tier("flex")


def test_the_gates_promotions_reach_the_levers() -> None:
    context = EngineContext(load_policy(""), promoted=lambda task: frozenset({f"model for {task}"}))
    assert _ahead(context, messages("x"), task="t").plan.facts.promoted == {"model for t"}


@pytest.mark.parametrize(
    ("policy", "model", "split"),
    [
        ("", "gpt-6.1-sol", True),
        ("", "gpt-4o", False),
        ('[defaults.route]\nmodel = "gpt-6.1-sol"', "gpt-4o", True),
    ],
)
def test_texts_are_laid_out_where_some_model_that_may_be_asked_charges_for_writes(
    policy: str, model: str, split: bool
) -> None:
    context = EngineContext(load_policy(policy), levers=())
    shared = " ".join(str(number**5) for number in range(400))
    for name in ("Ann", "Ben", "Cyd", "Dee", "Eve", "Flo"):
        body = chat(shared + f" {name} asked." * 200, model=model)
        ahead = _ahead(context, body, Dialect.OPENAI_CHAT, task="t")
    assert bool(context.evidence.layouts.laid("t", ahead.plan.view)) is split
