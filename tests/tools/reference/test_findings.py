from __future__ import annotations

import sys

import pytest

from penstock.audit.detectors import registry
from penstock.audit.finding import Measure
from tools.reference.findings import findings_page, kinds

MODULES = [sys.modules[detector.__module__] for detector in registry.DETECTORS]


def test_every_kind_of_finding_is_told() -> None:
    page = findings_page()
    assert registry.KINDS
    assert [kind for kind in registry.KINDS if f"`{kind}`" not in page] == []


def test_every_measure_has_its_meaning() -> None:
    page = findings_page()
    assert all(f"| `{measure}` | " in page for measure in Measure)
    assert "| `question` | what could be saved if the quality gate says yes; no promise |" in page


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_detector_says_what_its_dollars_are_and_what_fixes_it(module: object) -> None:
    blocks = (module.__doc__ or "").split("\n\n")
    assert any(block.startswith("Dollars: ") for block in blocks)
    assert any(block.startswith("Fix: ") for block in blocks)


def test_no_two_detectors_find_the_same_kind() -> None:
    assert sum(len(kinds(module)) for module in MODULES) == len(registry.KINDS)
