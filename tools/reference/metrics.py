"""The page of what the gateway's ``/metrics`` shows."""

from __future__ import annotations

from penstock.gateway import added, metrics
from penstock.telemetry import names
from tools.reference.markdown import code, paragraphs, table


def metrics_page() -> str:
    """Every metric with its type, its labels and its meaning."""
    rows = (
        (code(name), kind, ", ".join(map(code, names.LABELS[name])), said) for name, (kind, said) in names.HELP.items()
    )
    lines = ["# Metrics", "", *paragraphs(names.__doc__ or ""), *table(("metric", "type", "labels", "meaning"), rows)]
    bounds = ", ".join(f"{bound:g}" for bound in metrics.BOUNDS)
    fine = ", ".join(f"{bound:g}" for bound in metrics.FINE_BOUNDS)
    lines += paragraphs(f"The parts of {code(names.ADDED)}: {added.__doc__ or ''}")
    lines += [f"Its upper bounds are {fine} seconds, those of the other histograms"]
    lines += [f"{bounds} seconds. A metric has at most {metrics.MOST_SERIES:,} sets of"]
    lines += [
        "labels; what comes after them is counted under `other`. Labels hold names of tasks, models and files, never"
    ]
    lines += ["prompt text or keys.", "", "[grafana-dashboard.json](grafana-dashboard.json) shows them in Grafana."]
    return "\n".join(lines)
