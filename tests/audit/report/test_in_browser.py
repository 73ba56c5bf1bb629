"""The report's page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.audit.report import html
from tests.audit.report.example import audited
from tests.chromium import Chromium


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html.render(audited().report), "utf-8")
    return path.as_uri()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_report_fits_its_window_without_a_fault_or_a_request(chromium: Chromium, page: str, width: int) -> None:
    chromium.open(page, width=width)
    assert chromium.measure("shown")["characters"] > 1000
    assert chromium.measure("overflowing") == []
    assert chromium.faults == []
    assert chromium.asked == [page]


@pytest.mark.parametrize("dark", [False, True])
def test_the_report_can_be_read_by_day_and_by_night(chromium: Chromium, page: str, dark: bool) -> None:
    chromium.open(page, dark=dark)
    assert (chromium.measure("shown")["luminance"] < 0.1) is dark
    assert chromium.measure("unreadable") == []


def test_a_page_that_is_too_wide_loads_something_and_cannot_be_read_is_told(chromium: Chromium, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<body style='margin:0'><p style='width:900px;color:#999'>pale</p><img src='missing.png'>"
        "<script>console.error('x'); undefined_name()</script>"
    )
    chromium.open(bad.as_uri(), width=360)
    assert chromium.measure("overflowing")[0] == "900 px in 360"
    assert [one.split()[0] for one in chromium.measure("unreadable")] == ["2.85"]
    assert len(chromium.faults) >= 2
    assert [one.rpartition("/")[2] for one in chromium.asked] == ["bad.html", "missing.png"]
