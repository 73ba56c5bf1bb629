"""Where a request goes: which provider, under which path, and whether it is planned, metered or forwarded.

Never an address that the request names.
"""

from __future__ import annotations

import msgspec

from penstock.wire.dialect import Dialect, dialect_of_path
from penstock.wire.metered import Metered, metered_of_path

PROVIDERS = ("openai", "anthropic")
"""The providers that we forward to; their addresses are the policy's."""

_ANTHROPIC_PATHS = (b"/v1/messages", b"/v1/complete", b"/v1/organizations", b"/v1/skills")
_OPENAI = b"/openai/"
_ANTHROPIC = b"/anthropic/"


class Route(msgspec.Struct, frozen=True):
    """A request's way.

    Attributes:
        provider: ``openai`` or ``anthropic``.
        path: of the provider's API.
        dialect: of a call that is planned, or None.
        metered: the endpoint of a call that is metered only, or None.
    """

    provider: str
    path: bytes
    dialect: Dialect | None
    metered: Metered | None = None

    @property
    def forwarded(self) -> bool:
        """Whether nothing is planned or metered: it passes as it came."""
        return self.dialect is None and self.metered is None


_DIALECTS: dict[bytes, Route] = {}


def route_of(method: str, path: bytes, *, anthropic: bool) -> Route:
    """The route of a request.

    A path that starts with ``/openai/`` or ``/anthropic/`` names its provider. Otherwise the path decides where only
    one provider has it, else the caller's headers (``anthropic-version``, ``x-api-key``): both have ``/v1/models``.

    Args:
        method: of the request.
        path: raw, without the query.
        anthropic: whether the headers are Anthropic's.
    """
    if method == "POST":
        known = _DIALECTS.get(path)
        if known is not None:
            return known
    provider = None
    for prefix, name in ((_OPENAI, "openai"), (_ANTHROPIC, "anthropic")):
        if path.startswith(prefix):
            provider, path = name, path[len(prefix) - 1 :]
    dialect = dialect_of_path(path.decode("latin-1")) if method == "POST" else None
    if dialect is not None and provider in (None, dialect.provider):
        return Route(dialect.provider, path, dialect)
    metered = metered_of_path(path.decode("latin-1")) if method == "POST" else None
    if metered is not None and provider in (None, metered.provider):
        return Route(metered.provider, path, None, metered)
    if provider is None:
        theirs = any(path == known or path.startswith(known + b"/") for known in _ANTHROPIC_PATHS)
        provider = "anthropic" if theirs or (anthropic and not path.startswith(b"/v1/chat/")) else "openai"
    return Route(provider, path, None)


for _dialect in Dialect:
    _DIALECTS[_dialect.path.encode()] = Route(_dialect.provider, _dialect.path.encode(), _dialect)
