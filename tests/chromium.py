"""A headless Chromium for tests of pages, spoken to over its debugging pipe: what a browser really makes of a page.

The browser comes with the package ``cef-capi-py`` (the Chromium Embedded Framework and its sample program, which is a
whole browser); of its Python side only the folder is used.
"""

from __future__ import annotations

import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
_LAUNCHER = """
import os, sys
commands, answers = int(sys.argv[1]), int(sys.argv[2])
spare = [os.dup(commands), os.dup(answers)]
while min(spare) < 5:
    spare = [os.dup(one) for one in spare]
os.dup2(spare[0], 3)
os.dup2(spare[1], 4)
os.closerange(5, max(spare) + 1)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Chromium reads commands from descriptor 3 and answers on 4."""

_MEASURES = (Path(__file__).parent / "page.js").read_text("utf-8")


def runtime() -> Path | None:
    """The folder of the browser; None where its package does not exist (macOS, ARM)."""
    found = importlib.util.find_spec("cef_capi")
    return None if found is None or found.origin is None else Path(found.origin).parent / "runtime"


@cache
def why_none() -> str:
    """Why no browser can be started on this machine; empty where one can. What it needs is what any Chromium does."""
    folder = runtime()
    if folder is None:
        return "its package is not there for this machine"
    load = [sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", str(folder / "libcef.so")]
    told = subprocess.run(load, capture_output=True, text=True, check=False)  # noqa: S603 - its own words
    return told.stderr.strip().rpartition("\n")[2] if told.returncode else ""


class Chromium:
    """One browser with one page.

    Args:
        folder: for its profile; made new.

    Attributes:
        faults: what the page's console said of errors, and exceptions, since the last ``open``.
        asked: the addresses that were asked for since the last ``open``.
    """

    def __init__(self, folder: Path) -> None:
        home = runtime()
        assert home is not None, why_none()
        program = home / "cefsimple"
        program.chmod(program.stat().st_mode | 0o100)  # an installed wheel keeps no permission to run
        commands, self._out = os.pipe()
        self._in, answers = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--ozone-platform=headless", "--remote-debugging-pipe"]
        flags += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
        flags += [f"--user-data-dir={folder / 'profile'}", "--url=about:blank"]
        self._errors = folder / "stderr.txt"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(  # noqa: S603 - its own words
                [sys.executable, "-c", _LAUNCHER, str(commands), str(answers), str(program), *flags],
                pass_fds=(commands, answers),
                env={**os.environ, "LD_LIBRARY_PATH": str(home)},
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
        os.close(commands)
        os.close(answers)
        self._rest = b""
        self._events: deque[dict[str, Any]] = deque()
        self._number = 0
        self._page: str | None = None
        self.faults: list[str] = []
        self.asked: list[str] = []
        targets = self._do("Target.getTargets")["targetInfos"]
        page = next(one for one in targets if one["type"] == "page")
        self._page = self._do("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._do(f"{domain}.enable")

    def open(self, address: str, *, width: int = 1280, dark: bool = False) -> None:
        """Load a page in a window of a width in CSS pixels, until it has loaded."""
        self._do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._do("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self.faults, self.asked = [], []
        self._do("Page.navigate", url=address)
        there = loaded = False
        while not loaded:
            event = self._events.popleft() if self._events else self._next()
            self._heard(event)
            there = there or event.get("method") == "Page.frameNavigated"
            loaded = there and event.get("method") == "Page.loadEventFired"

    def measure(self, name: str) -> Any:
        """What a function of ``page.js`` gives for the page."""
        found = self._do("Runtime.evaluate", expression=f"{_MEASURES}\n{name}()", returnByValue=True)
        assert "exceptionDetails" not in found, found
        while self._events:
            self._heard(self._events.popleft())
        return found["result"]["value"]

    def close(self) -> None:
        """End it and all that it started."""
        os.close(self._out)
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)
        os.close(self._in)

    def _heard(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.asked.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                self.faults.append(str(told["exceptionDetails"].get("text")))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert"):
                self.faults.append(str(told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.faults.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            case _:
                return

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._page is not None:
            command["sessionId"] = self._page
        os.write(self._out, json.dumps(command).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result
            self._events.append(message)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            piece = os.read(self._in, 1 << 16) if ready else b""
            assert piece, f"the browser has ended or hangs:\n{self._errors.read_text('utf-8', 'replace')[-2000:]}"
            self._rest += piece
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found
