from __future__ import annotations

import pytest

from penstock.errors import InputError
from penstock.evidence.lengths import LengthKey
from penstock.evidence.store import Evidence


def _evidence(tokens: int) -> Evidence:
    evidence = Evidence()
    evidence.lengths.add(LengthKey("triage", "m"), tokens)
    evidence.calibration.add("m", 1300, 1000.0)
    return evidence


def test_every_part_is_merged() -> None:
    merged = _evidence(5)
    merged.merge(_evidence(9))
    lengths = merged.lengths.of(LengthKey("triage", "m"))
    assert lengths is not None
    assert lengths.whole == {5: 1, 9: 1}
    assert merged.calibration.by_model["m"].calls == 2


def test_evidence_survives_json() -> None:
    evidence = _evidence(5)
    assert Evidence.from_json(evidence.to_json()) == evidence
    assert Evidence.from_json(Evidence().to_json()) == Evidence()


def test_evidence_of_an_older_version_may_lack_a_part() -> None:
    assert Evidence.from_json(b'{"version":1,"calibration":{}}') == Evidence()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"version":1,"lengths":3}', b'{"version":1,"lengths":{"rows":[[1]],"untracked":0}}']
)
def test_what_is_not_evidence_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(InputError, match="not evidence that penstock wrote"):
        Evidence.from_json(data)


def test_evidence_of_a_later_version_is_refused() -> None:
    with pytest.raises(InputError, match="later version"):
        Evidence.from_json(b'{"version":99}')
