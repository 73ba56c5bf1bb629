from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import UsageError
from penstock.gateway.secrets import read_secret


def test_a_secret_is_read_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-2\n")
    assert read_secret("env:KEY", {"KEY": "sk-1"}, what="x") == b"sk-1"
    assert read_secret(f"file:{tmp_path / 'key'}", {}, what="x") == b"sk-2"


@pytest.mark.parametrize("reference", ["sk-plain", "env:", "env:NONE", "file:", "file:/no/such/file", "vault:x", ""])
def test_a_reference_that_names_nothing_is_a_usage_error(reference: str) -> None:
    with pytest.raises(UsageError, match=r"upstream\.openai\.api_key") as caught:
        read_secret(reference, {}, what="upstream.openai.api_key")
    assert "sk-plain" not in f"{caught.value} {caught.value.hint}"


def test_a_key_that_no_header_can_carry_is_refused_unseen() -> None:
    with pytest.raises(UsageError) as caught:
        read_secret("env:KEY", {"KEY": "sk-1\r\nx: y"}, what="x")
    assert "sk-1" not in str(caught.value)
