from __future__ import annotations

import pytest

from penstock.errors import UsageError
from penstock.gateway.origin import origin_of


@pytest.mark.parametrize(
    ("url", "authority", "path", "target"),
    [
        ("https://api.openai.com", b"api.openai.com", b"/v1/models", b"/v1/models"),
        ("https://api.openai.com/v1", b"api.openai.com", b"/v1/models?x=1", b"/v1/models?x=1"),
        ("https://api.openai.com/v1/", b"api.openai.com", b"/v1", b"/v1"),
        ("http://127.0.0.1:9100", b"127.0.0.1:9100", b"/v1/messages", b"/v1/messages"),
        ("http://[::1]:80/eu", b"[::1]", b"/v1/messages", b"/eu/v1/messages"),
        ("https://x.test:8443/proxy/v1", b"x.test:8443", b"/v1/messages", b"/proxy/v1/messages"),
        ("https://x.test/proxy/v1", b"x.test", b"/v1x", b"/proxy/v1/v1x"),
    ],
)
def test_a_base_url_gives_host_and_targets(url: str, authority: bytes, path: bytes, target: bytes) -> None:
    origin = origin_of(url)
    assert origin.authority == authority
    assert origin.target(path) == target


@pytest.mark.parametrize(
    "url",
    ["", "api.openai.com", "ftp://x", "https://", "https://x:99999", "https://x?y=1", "https://x#y", "https://u:p@x"],
)
def test_what_is_no_base_url_is_refused_with_a_hint(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        origin_of(url)
    assert caught.value.hint is not None


def test_a_refusal_does_not_repeat_a_password() -> None:
    with pytest.raises(UsageError) as caught:
        origin_of("https://user:sesame@x")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://a..b", f"https://{'x' * 70}.test"])
def test_a_host_that_no_resolver_takes_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        origin_of(url)
