from __future__ import annotations

import socket

import pytest

from penstock.errors import InputError
from penstock.listening import is_loopback, listen, url_at, url_of


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_a_loopback_address_reaches_only_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "192.0.2.1", "gateway.example.test", ""])  # noqa: S104
def test_any_other_address_may_be_reached_by_others(host: str) -> None:
    assert not is_loopback(host)


def test_a_free_port_is_found_and_named() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert url_of(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_address_with_colons_stands_in_brackets() -> None:
    assert url_at("::1", 8480) == "http://[::1]:8480"


def test_a_busy_port_is_an_input_error_with_a_hint() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="cannot listen") as caught:
            listen("127.0.0.1", taken.getsockname()[1])
    assert caught.value.exit_code == 3
    assert "--port" in (caught.value.hint or "")
