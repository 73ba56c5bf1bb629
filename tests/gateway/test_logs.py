from __future__ import annotations

import io
import json

import pytest

from penstock.gateway.logs import Log


def test_a_line_has_a_time_a_level_a_name_and_pairs() -> None:
    out = io.StringIO()
    Log(lambda: 0.5, out).warning("upstream", provider="openai", error='no "way"', tries=2, call=None)
    assert out.getvalue() == (
        '1970-01-01T00:00:00.500Z warning upstream provider=openai error="no \\"way\\"" tries=2 call=""\n'
    )


def test_a_value_cannot_begin_a_line_of_its_own() -> None:
    out = io.StringIO()
    Log(lambda: 0.0, out).error("ledger", error="a\nb")
    assert out.getvalue().count("\n") == 1


def test_lines_can_be_json() -> None:
    out = io.StringIO()
    log = Log(lambda: 0.0, out, as_json=True)
    log.info("started", port=1)
    assert json.loads(out.getvalue()) == {
        "ts": "1970-01-01T00:00:00.000Z",
        "level": "info",
        "event": "started",
        "port": 1,
    }


def test_lines_go_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    Log(lambda: 0.0).info("started")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "started" in printed.err
