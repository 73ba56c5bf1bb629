from __future__ import annotations

from pathlib import Path

import pytest

from penstock.dashboard.serve import check_bind, check_ledger, hosts_of
from penstock.errors import InputError, UsageError


def test_an_address_that_others_can_reach_has_to_be_meant() -> None:
    with pytest.raises(UsageError) as refused:
        check_bind("0.0.0.0", public=False)  # noqa: S104 - the refusal is the point
    assert "--public" in (refused.value.hint or "")
    check_bind("0.0.0.0", public=True)  # noqa: S104 - the same
    check_bind("::1", public=False)


def test_a_missing_ledger_is_named_before_anything_is_served(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ledger at"):
        check_ledger(tmp_path / "none.db")


def test_an_address_of_this_machine_is_asked_under_its_own_names() -> None:
    assert hosts_of("127.0.0.2") == {"localhost", "127.0.0.1", "[::1]", "127.0.0.2"}
    assert "[::1]" in (hosts_of("::1") or ())
    assert hosts_of("10.0.0.5") is None
