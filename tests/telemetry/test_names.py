from __future__ import annotations

from penstock.telemetry import names


def test_every_metric_has_a_type_a_meaning_and_its_labels() -> None:
    assert set(names.HELP) == set(names.LABELS)
    assert {kind for kind, _ in names.HELP.values()} <= {"counter", "gauge", "histogram"}


def test_a_name_is_opentelemetry_s_or_begins_with_ours() -> None:
    values = [value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)]
    theirs = ("gen_ai.", "gen_ai_", "error.type", "http.response.status_code")
    assert [value for value in values if not value.startswith((*theirs, "penstock"))] == []
    assert len(values) == len(set(values))
