"""Our programs as processes of their own, for benchmarks that watch them from outside."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

_URL = re.compile(rb"http://127\.0\.0\.1:\d+")
_PATIENCE_S = 60.0


class Program:
    """A running program of ours that listens on loopback.

    Attributes:
        url: where it listens.
        pid: its process.
        log: the lines that it wrote to stderr.
    """

    def __init__(self, arguments: Sequence[str], *, prepare: Callable[[], None] | None = None) -> None:
        command = [sys.executable, "-m", "penstock", *arguments]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=prepare)  # noqa: S603, PLW1509 - our own program
        self.pid = self._process.pid
        self.log: list[str] = []
        self.url = ""
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._listening.wait(_PATIENCE_S) or not self.url:
            self.kill()
            sys.exit("error: a program did not start: " + " ".join(self.log[-3:]))

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, patience_s: float = _PATIENCE_S) -> int:
        """SIGTERM, and its exit status."""
        if self.running:
            self._process.terminate()
        return self._process.wait(patience_s)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(_PATIENCE_S)

    def _read(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        for line in stream:
            found = _URL.search(line)
            if found and not self.url:
                self.url = found[0].decode()
                self._listening.set()
            self.log.append(line.decode("utf-8", "replace").rstrip())
        self._listening.set()

    # What can be seen of it.

    def pss_mb(self) -> float:
        """Its share of memory, in millions of bytes."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii")
        (kilobytes,) = re.findall(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        return int(kilobytes) * 1024 / 1e6

    def descriptors(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    def threads(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/task").iterdir())

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def limit_file_size(self, size: int) -> None:
        """The largest file that it may write from now on: a disk that is full, or has room again."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def running(arguments: Sequence[str]) -> Iterator[Program]:
    """A program, killed at the end unless it was stopped."""
    program = Program(arguments)
    try:
        yield program
    finally:
        if program.running:
            program.kill()


def simulator(*arguments: str) -> AbstractContextManager[Program]:
    """A simulated provider."""
    return running(["simulate", "--port", "0", *arguments])


def gateway(policy: Path, *arguments: str) -> AbstractContextManager[Program]:
    """A gateway under a policy file."""
    return running(["serve", "--port", "0", "--policy", str(policy), *arguments])


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of 64 MB at a folder, unmounted at the end; False where this process may not mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0  # noqa: S603 - constants
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)  # noqa: S603, S607 - as above


def fill(folder: Path) -> Path:
    """Leave no room on a disk; the file that takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size):
                    pass
    return filler


def fetch(url: str, body: Any = None) -> Any:
    """A JSON document by GET, or by POST of one."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def metrics_of(program: Program) -> dict[str, float]:
    """Series of ``/metrics`` by name and labels."""
    with urllib.request.urlopen(f"{program.url}/metrics", timeout=60) as answer:  # noqa: S310 - loopback
        lines = answer.read().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def changed(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Series that moved, by how much; times and sizes of histograms are left out."""
    moved = {name: value - before.get(name, 0.0) for name, value in after.items() if value != before.get(name, 0.0)}
    return {name: value for name, value in moved.items() if not re.search(r"_(bucket|sum|count)(\{|$)", name)}
