"""The pages over a ledger on a loopback port, and what a browser would make of one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import httpx2

from penstock.dashboard.serve import server_of
from penstock.listening import listen, url_of
from penstock.policy.schema import Policy

VOID = {"meta", "br", "img", "link", "hr", "input", "path", "rect", "line"}


@contextmanager
def serving(file: Path, policy: Policy | None = None, host: str = "127.0.0.1") -> Iterator[httpx2.Client]:
    """A client of pages that are served while the block runs."""
    listener = listen("127.0.0.1", 0)
    server = server_of(file, policy or Policy(), host)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.002)
        with httpx2.Client(base_url=url_of(listener)) as client:
            yield client
    finally:
        server.stop()
        thread.join(20)
        listener.close()


class Checked(HTMLParser):
    """A page's text, its links, what it would load, and whether its elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.faults: list[str] = []
        self._text: list[str] = []
        self.feed(page)
        self.close()
        self.faults += self.open

    @property
    def text(self) -> str:
        return " ".join("".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given["href"] or "")
        self.loads += [str(given[name]) for name in ("src", "action", "data") if name in given]
        if tag == "link":
            self.loads.append(given["href"] or "")
        if tag in ("script", "iframe", "object", "style") or "style" in given:
            self.faults.append(f"<{tag}> with {sorted(given)}")
        self.faults += [name for name in given if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        if tag in ("b", "dd", "dt", "li", "p", "td", "th"):
            self._text.append(" ")
        if tag not in VOID and (not self.open or self.open.pop() != tag):
            self.faults.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._text.append(data)
