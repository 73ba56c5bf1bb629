from __future__ import annotations

from penstock.telemetry.names import HELP
from tools.reference.metrics import metrics_page


def test_every_metric_has_a_row_with_its_type_and_labels() -> None:
    page = metrics_page()
    assert [
        name for name, (kind, said) in HELP.items() if f"| `{name}` | {kind} |" not in page or said not in page
    ] == []
    assert "| `penstock_edits_total` | counter | `lever` | Accepted edits by lever. |" in page
