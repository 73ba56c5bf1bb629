"""HTTPS through an HTTP proxy: ``CONNECT``, then TLS inside the tunnel."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from penstock.errors import UpstreamUnreachable, UsageError
from penstock.gateway.origin import Origin

MAX_HEAD = 1 << 14
"""Bytes of a proxy's answer to ``CONNECT``."""

AnyProtocol = TypeVar("AnyProtocol", bound=asyncio.Protocol)


class Proxy(msgspec.Struct, frozen=True):
    """An HTTP proxy. ``authorization`` is the value of ``proxy-authorization``, or None."""

    host: str
    port: int
    authorization: bytes | None = None


def proxy_of(url: str) -> Proxy:
    """The proxy of an ``http://[user:password@]host:port`` URL; UsageError for any other."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise UsageError("a proxy is given as http://host:port", hint="set HTTPS_PROXY to such a URL, or unset it")
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + b64encode(pair.encode())
    return Proxy(host=parts.hostname, port=parts.port or 8080, authorization=authorization)


def proxy_for(origin: Origin, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy that the usual variables name for an origin (``HTTPS_PROXY``, ``NO_PROXY``, either case), or None.

    Only encrypted origins are tunnelled. ``NO_PROXY`` is a list of host names, each matching itself and its
    subdomains; ``*`` matches all.
    """
    if not origin.tls:
        return None
    url = environment.get("https_proxy") or environment.get("HTTPS_PROXY")
    if not url:
        return None
    excluded = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    for entry in (part.strip().lstrip(".").lower() for part in excluded.split(",")):
        if entry == "*" or (entry and (origin.host == entry or origin.host.endswith("." + entry))):
            return None
    return proxy_of(url)


async def open_tunnel(
    proxy: Proxy, origin: Origin, tls: ssl.SSLContext | None, build: Callable[[], AnyProtocol]
) -> AnyProtocol:
    """Open a connection to an origin through a proxy; OSError or UpstreamUnreachable when that fails."""
    loop = asyncio.get_running_loop()
    transport, waiter = await loop.create_connection(_Greeting, proxy.host, proxy.port)
    try:
        await _greet(transport, waiter, proxy, f"{origin.host}:{origin.port}".encode("ascii"))
        return await _enter(transport, origin, tls, build())
    except BaseException:
        transport.abort()
        raise


async def _greet(transport: asyncio.Transport, greeting: _Greeting, proxy: Proxy, authority: bytes) -> None:
    lines = b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n" % (authority, authority)
    if proxy.authorization is not None:
        lines += b"proxy-authorization: " + proxy.authorization + b"\r\n"
    transport.write(lines + b"\r\n")
    status = await greeting.status
    if not 200 <= status < 300:  # noqa: PLR2004 - the class of success
        raise UpstreamUnreachable(f"the proxy refused the tunnel with status {status}", hint="check HTTPS_PROXY")


async def _enter(
    transport: asyncio.Transport, origin: Origin, tls: ssl.SSLContext | None, protocol: AnyProtocol
) -> AnyProtocol:
    if tls is None:
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return protocol
    inner = await asyncio.get_running_loop().start_tls(transport, protocol, tls, server_hostname=origin.host)
    if inner is None:
        raise UpstreamUnreachable("the tunnel closed during the TLS handshake", hint="check HTTPS_PROXY")
    protocol.connection_made(inner)
    return protocol


class _Greeting(asyncio.Protocol):
    """Reads the head of the proxy's answer and nothing behind it (a server of TLS waits for the client's hello)."""

    def __init__(self) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Gather the head; the status is its second word."""
        self._head += data
        if self.status.done():
            return
        if b"\r\n\r\n" in self._head:
            word = self._head.split(b"\r\n", 1)[0].split(b" ")[1:2]
            self.status.set_result(int(word[0]) if word and word[0].isdigit() else 0)
        elif len(self._head) > MAX_HEAD:
            self.status.set_result(0)

    def connection_lost(self, exc: Exception | None) -> None:
        """The proxy hung up."""
        if not self.status.done():
            self.status.set_exception(exc or ConnectionResetError("the proxy closed the connection"))
