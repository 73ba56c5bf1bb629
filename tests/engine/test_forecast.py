from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.engine.facts import counts_of
from penstock.engine.forecast import Forecast
from penstock.evidence.store import Evidence
from penstock.models.catalog import profile_of
from penstock.unknown import Unknown
from penstock.wire.dialect import Dialect
from penstock.wire.view import View, read_request
from tests.playbook import NOW, messages

CONTROL = {"type": "ephemeral"}


def _view(text: str, *, marked: bool) -> View:
    block: dict[str, Any] = {"type": "text", "text": "You are kind. " * 1000}
    if marked:
        block["cache_control"] = CONTROL
    return read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(messages(text, system=[block])).encode())


def _admission(forecast: Forecast, view: View, at: float, *, actual: bool = False) -> Any:
    profile = profile_of(view.model)
    tokens = counts_of(view, profile, Evidence()).ends
    return forecast.admission(forecast.actual if actual else forecast.baseline, view, profile, tokens, at)


def test_an_entry_is_readable_once_its_writers_answer_began() -> None:
    forecast = Forecast()
    view = _view("a", marked=True)
    first = _admission(forecast, view, NOW)
    forecast.sending("c1", baseline=first, actual=first)
    assert _admission(forecast, view, NOW + 1).split.read == 0
    forecast.began("c1", NOW + 2)
    forecast.began("c1", NOW + 3)
    forecast.ended("c1", NOW + 4)
    assert _admission(forecast, _view("b", marked=True), NOW + 5).split.read > 3000


def test_a_call_that_never_began_leaves_nothing() -> None:
    forecast = Forecast()
    view = _view("a", marked=True)
    forecast.sending("c1", baseline=_admission(forecast, view, NOW))
    forecast.ended("c1", NOW + 1)
    forecast.began("c1", NOW + 2)
    assert _admission(forecast, view, NOW + 3).split.read == 0


def test_the_two_worlds_are_one_until_a_changed_request_is_sent() -> None:
    forecast = Forecast()
    assert forecast.actual is forecast.baseline
    forecast.part()
    forecast.part()
    assert forecast.parted
    plain, marked = _view("a", marked=False), _view("a", marked=True)
    forecast.sending(
        "c1", baseline=_admission(forecast, plain, NOW), actual=_admission(forecast, marked, NOW, actual=True)
    )
    forecast.began("c1", NOW + 1)
    assert _admission(forecast, marked, NOW + 2).split.read == 0
    assert _admission(forecast, marked, NOW + 2, actual=True).split.read > 3000


def test_nothing_is_foreseen_for_an_unknown_model_or_a_request_that_is_refused() -> None:
    forecast = Forecast()
    view = _view("a", marked=True)
    assert forecast.admission(forecast.baseline, view, Unknown("no model"), (1, 1), NOW) is None
    five = [{"type": "text", "text": str(n), "cache_control": CONTROL} for n in range(5)]
    refused = read_request(Dialect.ANTHROPIC_MESSAGES, json.dumps(messages("a", system=five)).encode())
    assert _admission(forecast, refused, NOW) is None


@pytest.mark.parametrize("parted", [False, True])
def test_a_world_that_grew_too_large_is_swept_and_then_forgotten(parted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.engine.forecast._MOST_ENTRIES", 2)
    forecast = Forecast()
    if parted:
        forecast.part()
    for number in range(3):
        view = _view("a", marked=True)
        changed = read_request(view.dialect, view.raw.replace(b"kind", b"kind%d" % number))
        foreseen = _admission(forecast, changed, NOW + number)
        forecast.sending(str(number), baseline=foreseen, actual=foreseen)
        forecast.began(str(number), NOW + number)
        forecast.ended(str(number), NOW + number)
    assert forecast.forgot == (2 if parted else 1)
    assert forecast.parted is parted
    assert len(forecast.baseline) == 0
