from __future__ import annotations

import pytest

from penstock.errors import UsageError
from penstock.gateway.serve import check_bind


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_needs_no_key(host: str) -> None:
    check_bind(host, guarded=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.example.test", ""])  # noqa: S104 - refused
def test_an_address_that_others_reach_needs_one(host: str) -> None:
    check_bind(host, guarded=True)
    with pytest.raises(UsageError) as caught:
        check_bind(host, guarded=False)
    assert caught.value.exit_code == 2
