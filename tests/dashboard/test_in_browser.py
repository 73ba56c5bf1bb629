"""The dashboard's pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chromium import Chromium
from tests.dashboard.ledgers import mixed, with_gate, write
from tests.dashboard.serving import serving

PATHS = ("/", "/tasks", "/calls", "/calls/call_0001", "/calls/call_0006", "/traces/run%2F1%20%3Cb%3E", "/calls/none")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = with_gate(write(tmp_path_factory.mktemp("pages") / "ledger.db", mixed()))
    with serving(path) as client:
        yield str(client.base_url).rstrip("/")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", PATHS[:-1])
def test_a_page_fits_its_window_without_a_fault_and_asks_only_its_own_site(
    chromium: Chromium, site: str, path: str, width: int
) -> None:
    chromium.open(site + path, width=width)
    assert chromium.measure("shown")["characters"] > 100
    assert chromium.measure("overflowing") == []
    assert chromium.faults == []
    assert chromium.asked[0] == site + path
    assert set(chromium.asked[1:]) <= {f"{site}/style.css", f"{site}/mark.svg"}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_can_be_read_by_day_and_by_night(chromium: Chromium, site: str, path: str, dark: bool) -> None:
    chromium.open(site + path, dark=dark)
    assert (chromium.measure("shown")["luminance"] < 0.1) is dark
    assert chromium.measure("unreadable") == []
