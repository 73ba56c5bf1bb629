"""Where a provider is: scheme, host, port and path prefix of a base URL."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from penstock.errors import UsageError


class Origin(msgspec.Struct, frozen=True):
    """A provider's base URL in the parts that a client needs.

    Attributes:
        host: name or address, without brackets.
        port: 1..65535.
        tls: whether the connection is encrypted.
        prefix: path in front of every target, without a closing slash; often empty.
    """

    host: str
    port: int
    tls: bool
    prefix: bytes = b""

    @property
    def authority(self) -> bytes:
        """The ``Host`` header's value."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = 443 if self.tls else 80
        return (host if self.port == standard else f"{host}:{self.port}").encode("ascii")

    def target(self, path: bytes) -> bytes:
        """The request target of a path of the provider's API; a ``/v1`` that both sides name is sent once."""
        if self.prefix.endswith(b"/v1") and (path == b"/v1" or path.startswith(b"/v1/")):
            return self.prefix + path[3:]
        return self.prefix + path


def origin_of(base_url: str) -> Origin:
    """The origin of a base URL; UsageError if it is not http(s) or carries a query, a fragment or a user."""
    parts = urlsplit(base_url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
        raise UsageError(f"{base_url!r} is not an http or https URL", hint="for example https://api.openai.com")
    if parts.query or parts.fragment or parts.username is not None:
        raise UsageError(
            "a base URL carries no query, fragment or user name", hint="for example https://api.openai.com"
        )
    tls = parts.scheme == "https"
    return Origin(
        host=_host(parts.hostname),
        port=port or (443 if tls else 80),
        tls=tls,
        prefix=parts.path.rstrip("/").encode("ascii"),
    )


def _host(name: str) -> str:
    """The ASCII form of a host name; UsageError for one that no resolver takes."""
    try:
        return name if ":" in name else name.encode("idna").decode("ascii")
    except UnicodeError:
        raise UsageError(f"{name!r} is not a host name", hint="for example https://api.openai.com") from None
