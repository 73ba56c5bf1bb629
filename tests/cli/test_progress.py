from __future__ import annotations

import pytest

from penstock.cli.progress import bytes_read


def test_a_program_that_reads_our_output_sees_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with bytes_read("reading", 10) as advance:
        advance(10)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
