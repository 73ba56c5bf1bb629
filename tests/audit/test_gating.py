from __future__ import annotations

import pytest

from penstock.audit.gather import AuditInput
from penstock.audit.gating import gate_of
from penstock.money import PICO_PER_USD, Picodollars
from penstock.unknown import Unknown
from tests.audit.traffic import OPUS, START, Provider, audit_input, one_shot

SCHEMA = {"format": {"type": "json_schema", "schema": {"type": "object"}}}


def traffic(*models: str, **more: object) -> AuditInput:
    """Two hours of calls to the models in turn."""
    provider = Provider()
    bodies = [one_shot("s", f"q{k}", models[k % len(models)], **more) for k in range(13)]
    return audit_input([provider.call(body, START + k * 600.0) for k, body in enumerate(bodies)])


def dollars(usd_day: float) -> Picodollars:
    """What the two hours save at so much a day."""
    return Picodollars(int(usd_day / 12 * PICO_PER_USD))


def test_free_text_is_compared_by_the_model_of_the_task_and_structured_answers_by_their_fields() -> None:
    text, structured = traffic(OPUS), traffic(OPUS, output_config=SCHEMA)
    group, fields = text.groups["triage", OPUS], structured.groups["triage", OPUS]
    assert gate_of(text, group, dollars(50.0), edits=["trim"]) == {"edits": ["trim"], "judge": OPUS}
    assert gate_of(structured, fields, dollars(50.0), candidate="x") == {"candidate": "x"}


def test_a_model_that_we_do_not_know_is_not_asked_to_judge() -> None:
    data = audit_input([])
    data.add(Provider().call(one_shot("s", "q"), START))
    group = data.groups["triage", OPUS]
    for row in group.rows:
        row.model = "our-own-7b"
    unknown = type(group)("triage", "our-own-7b", group.rows)
    assert gate_of(data, unknown, dollars(50.0), edits=["trim"]) == {"edits": ["trim"]}


@pytest.mark.parametrize(("usd_day", "limit"), [(0.5, 0.5), (0.004, 0.01), (4.996, None), (80.0, None)])
def test_a_gate_may_spend_in_a_day_what_its_change_may_save_in_one(usd_day: float, limit: float | None) -> None:
    data = traffic(OPUS)
    found = gate_of(data, data.groups["triage", OPUS], dollars(usd_day), edits=["trim"])
    assert found.get("shadow_usd_day") == limit


def test_what_cannot_be_priced_leaves_the_gate_its_own_limit() -> None:
    data = traffic(OPUS)
    found = gate_of(data, data.groups["triage", OPUS], Unknown("no price"), edits=["trim"])
    assert "shadow_usd_day" not in found


def test_where_a_task_has_several_models_the_gate_names_the_one_that_it_replaces() -> None:
    data = traffic(OPUS, "claude-sonnet-5-5")
    found = gate_of(data, data.groups["triage", OPUS], dollars(50.0), edits=["trim"])
    assert found["reference"] == OPUS
