from __future__ import annotations

import socket

import pytest

from penstock.errors import InputError, UsageError
from penstock.gateway.serve import check_bind, is_loopback, listen, url_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_needs_no_key(host: str) -> None:
    assert is_loopback(host)
    check_bind(host, guarded=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "gateway.example.test", ""])  # noqa: S104 - refused
def test_an_address_that_others_reach_needs_one(host: str) -> None:
    check_bind(host, guarded=True)
    with pytest.raises(UsageError) as caught:
        check_bind(host, guarded=False)
    assert caught.value.exit_code == 2


def test_a_free_port_is_found_and_named() -> None:
    listener = listen("127.0.0.1", 0)
    assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def test_a_busy_port_is_an_input_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot listen") as caught:
            listen("127.0.0.1", taken.getsockname()[1])
    assert caught.value.exit_code == 3
