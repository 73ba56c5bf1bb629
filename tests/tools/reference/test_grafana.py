from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from penstock.telemetry import names
from tools.reference.grafana import COLUMNS, PANELS, grafana_page

DASHBOARD: dict[str, Any] = json.loads(grafana_page())
QUERIES = [
    pytest.param(target["expr"], target["legendFormat"], id=f"{panel['title']}: {target['legendFormat']}")
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]
METRIC = re.compile(r"\b((?:penstock|gen_ai_client|gen_ai_server)_[a-z_]+)(?:\{([^}]*)\})?")


def used(query: str) -> dict[str, set[str]]:
    """Metric -> labels that the query selects by."""
    found: dict[str, set[str]] = {}
    for name, selector in METRIC.findall(query):
        found.setdefault(name, set()).update(re.findall(r"(\w+)[=!]~?\"", selector or ""))
    return found


@pytest.mark.parametrize(("query", "legend"), QUERIES)
def test_a_query_asks_only_for_metrics_and_labels_that_there_are(query: str, legend: str) -> None:
    metrics = used(query)
    assert metrics
    grouped = {name.strip() for group in re.findall(r"by \(([^)]*)\)", query) for name in group.split(",")}
    for metric, selected in metrics.items():
        base = metric.removesuffix("_bucket")
        kind, _ = names.HELP[base]
        assert (kind == "histogram") == (base != metric)
        labels = {*names.LABELS[base], *(("le",) if kind == "histogram" else ())}
        assert selected <= labels
        assert grouped <= labels
        assert (kind in ("counter", "histogram")) == (f"rate({metric}{{" in query) or metric == names.LOST
    assert set(re.findall(r"\{\{(\w+)\}\}", legend)) == grouped - {"le"}


@pytest.mark.parametrize(("query", "legend"), QUERIES)
def test_a_query_s_brackets_are_closed(query: str, legend: str) -> None:
    assert all(query.count(left) == query.count(right) for left, right in ("()", "[]", "{}"))


def test_panels_fill_the_grid_without_overlap() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    for one, two in combinations(places, 2):
        beside = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(PANELS)


def test_what_one_looks_for_has_a_panel() -> None:
    wanted = {
        "Calls",
        "Saving by lever",
        "Cache read share",
        "Errors",
        "Latency",
        "Added by us",
        "Stand-downs",
        "Budgets",
    }
    assert wanted <= {panel["title"] for panel in DASHBOARD["panels"]}


def test_the_data_source_is_chosen_where_it_is_imported() -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    assert (variable["name"], variable["type"]) == ("source", "datasource")
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {"${source}"}
