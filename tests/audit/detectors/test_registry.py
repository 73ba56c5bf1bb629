from __future__ import annotations

from pathlib import Path

import penstock.audit.detectors
from penstock.audit.detectors.registry import DETECTORS, KINDS, find_all
from tests.audit.traffic import audit_input, static_prompts


def test_every_detector_file_is_registered() -> None:
    folder = Path(penstock.audit.detectors.__path__[0])
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "registry", "common"}
    assert {detector.__module__.rpartition(".")[2] for detector in DETECTORS} == files


def test_findings_are_ranked_and_of_known_kinds() -> None:
    found = find_all(audit_input(static_prompts(70)))
    assert {one.kind for one in found} <= set(KINDS)
    assert found[0].kind == "never_cached"
    assert find_all(audit_input(static_prompts(70)), ()) == []
