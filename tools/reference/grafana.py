"""The Grafana dashboard of the gateway's metrics, as Grafana imports it. Names and labels are ``telemetry.names``'."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.telemetry import names

SOURCE = {"type": "prometheus", "uid": "${source}"}
"""Where the panels read: the data source that is chosen on top of the dashboard."""

COLUMNS = 24
"""Width of Grafana's grid."""

_HEIGHT = 8
_RATE = "$__rate_interval"
_BAD = 'status!~"2.."'
_PROMPT = 'gen_ai_token_type=~"input|cache_read|cache_write"'
_READ = 'gen_ai_token_type="cache_read"'


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One panel.

    Attributes:
        title: heading.
        said: what is seen, in a sentence.
        queries: legend to PromQL.
        unit: Grafana's name of the unit.
        stacked: whether the lines are parts of a whole.
        width: of ``COLUMNS``.
    """

    title: str
    said: str
    queries: dict[str, str]
    unit: str = "short"
    stacked: bool = False
    width: int = 8


def _rate(metric: str, by: str = "", where: str = "") -> str:
    """A counter's rate a second, summed."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{where}}}[{_RATE}]))"


def _share(part: str, whole: str) -> str:
    return f"{part} / ({whole} > 0)"


def _within(share: float, histogram: str) -> str:
    return f"histogram_quantile({share}, {_rate(f'{histogram}_bucket', 'le')})"


def _added(share: float, part: str) -> str:
    rate = _rate(f"{names.ADDED}_bucket", "le", f'part="{part}"')
    return f"histogram_quantile({share}, {rate})"


def _read_share(by: str = "") -> str:
    return _share(_rate(names.TOKENS, by, _READ), _rate(names.TOKENS, by, _PROMPT))


PANELS = (
    Panel(
        title="Calls",
        said="A second, by task.",
        queries={"{{task}}": _rate(names.CALLS, "task")},
        unit="reqps",
        stacked=True,
    ),
    Panel(
        title="Spend",
        said="Dollars an hour of the calls whose cost is known.",
        queries={"{{gen_ai_request_model}}": f"3600 * {_rate(names.COST_USD, 'gen_ai_request_model')}"},
        unit="currencyUSD",
        stacked=True,
    ),
    Panel(
        title="Saving by lever",
        said="Dollars since the gateway started, of treated calls whose cost and cost as sent are known.",
        queries={"{{lever}}": f"sum by (lever) ({names.SAVED_BY_LEVER})"},
        unit="currencyUSD",
        stacked=True,
    ),
    Panel(
        title="Cache read share",
        said="Of the prompt tokens, those that were read from a cache.",
        queries={
            "all": _read_share(),
            "{{gen_ai_request_model}}": _read_share("gen_ai_request_model"),
        },
        unit="percentunit",
    ),
    Panel(
        title="Errors",
        said="Share of calls without a 2xx answer, by task; a task without such a call is not drawn.",
        queries={"{{task}}": _share(_rate(names.CALLS, "task", _BAD), _rate(names.CALLS, "task"))},
        unit="percentunit",
    ),
    Panel(
        title="Unknown, refused, failed open",
        said="Calls of unknown cost, requests that we refused, and faults of ours that stopped no call; a second.",
        queries={
            "unknown cost": _rate(names.UNKNOWN_COST),
            "refused: {{reason}}": _rate(names.REFUSED, "reason"),
            "failed open: {{fault}}": _rate(names.FAILED_OPEN, "fault"),
        },
        unit="reqps",
    ),
    Panel(
        title="Latency",
        said="From the request to the last byte of the answer, the provider's time included.",
        queries={"half within": _within(0.5, names.DURATION), "95% within": _within(0.95, names.DURATION)},
        unit="s",
    ),
    Panel(
        title="First byte",
        said="From the request to the first byte of the answer, the provider's time included.",
        queries={"half within": _within(0.5, names.FIRST_TOKEN), "95% within": _within(0.95, names.FIRST_TOKEN)},
        unit="s",
    ),
    Panel(
        title="Added by us",
        said="The gateway's own work on a call; beside it, of the calls that had to, holding and queueing.",
        queries={
            "half within": _added(0.5, "gateway"),
            "99% within": _added(0.99, "gateway"),
            "95% of holds within": _added(0.95, "hold"),
            "95% of queues within": _added(0.95, "queue"),
        },
        unit="s",
    ),
    Panel(
        title="Held back by us",
        said="Calls that run, those of them that wait for room in a provider's limits, and requests of ours dropped.",
        queries={
            "run": f"sum ({names.RUNNING})",
            "wait": f"sum ({names.WAITING})",
            "dropped a second: {{purpose}}": _rate(names.DROPPED, "purpose"),
        },
    ),
    Panel(
        title="Stand-downs",
        said="Calls a second in which a lever noted why it did something else than act.",
        queries={"{{lever}} {{did}}": _rate(names.STOOD_DOWN, "lever, did")},
        unit="reqps",
    ),
    Panel(
        title="Edits",
        said="Accepted edits a second, by lever.",
        queries={"{{lever}}": _rate(names.EDITS_BY_LEVER, "lever")},
        unit="reqps",
    ),
    Panel(
        title="Cache drift",
        said="1 while the cache lever stands down because a provider does not behave like the cache model.",
        queries={"{{model}}": f"max by (model) ({names.DRIFT})"},
    ),
    Panel(
        title="Budgets",
        said="Spent and reserved, as a share of the limit.",
        queries={
            "{{budget}}": (
                f'sum by (budget) ({names.BUDGET}{{part=~"spent|reserved"}}) / '
                f'(sum by (budget) ({names.BUDGET}{{part="limit"}}) > 0)'
            )
        },
        unit="percentunit",
    ),
    Panel(
        title="Ledger",
        said="Records that wait to be written, and those that could not be kept since the gateway started.",
        queries={
            "wait in {{file}}": f"sum by (file) ({names.QUEUE})",
            "lost of {{file}}": f"sum by (file) ({names.LOST})",
        },
    ),
    Panel(
        title="Addresses left alone",
        said="1 while an address of a provider is left alone because it failed in a row.",
        queries={"{{provider}} {{address}}": f"max by (provider, address) ({names.BREAKER})"},
    ),
)
"""In the order of the dashboard."""


def grafana_page() -> str:
    """The dashboard as JSON."""
    dashboard = {
        "title": "Penstock",
        "uid": "penstock-gateway",
        "description": "Generated from the names of the gateway's metrics; amounts are dollars at list prices.",
        "tags": ["penstock", "llm"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "utc",
        "templating": {
            "list": [{"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_placed(PANELS)),
    }
    return json.dumps(dashboard, indent=1)


def _placed(panels: Iterable[Panel]) -> Iterable[dict[str, Any]]:
    """The panels from left to right, row by row."""
    x = y = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y = 0, y + _HEIGHT
        yield _json_of(panel, number, {"x": x, "y": y, "w": panel.width, "h": _HEIGHT})
        x += panel.width


def _json_of(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    stacking = {"mode": "normal" if panel.stacked else "none", "group": "A"}
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.said,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "custom": {"stacking": stacking, "fillOpacity": 40 if panel.stacked else 0, "showPoints": "never"},
            },
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for index, (legend, expression) in enumerate(panel.queries.items())
        ],
    }
