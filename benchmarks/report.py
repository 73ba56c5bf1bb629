"""The frame of every benchmark: arguments in, one JSON on stdout, progress on stderr."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from penstock import __version__
from penstock.models.prices import TABLE_VERSION


def arguments(description: str, *, data: bool = True) -> argparse.ArgumentParser:
    """The parser that all benchmarks share: ``--data``, ``--seed``, ``--json``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=data, help="a folder of the schema that the benchmark reads")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="one JSON on stdout and nothing else")
    return parser


def progress(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Report:
    """Collects a benchmark's result and prints it with the keys that every benchmark carries."""

    def __init__(self, benchmark: str, seed: int) -> None:
        self._head = {"benchmark": benchmark, "seed": seed}
        self._started = time.perf_counter()

    def emit(self, **result: Any) -> None:
        """Print the JSON."""
        tail = {"penstock_version": __version__, "price_table": TABLE_VERSION}
        wall = {"wall_s": round(time.perf_counter() - self._started, 2)}
        json.dump({**self._head, **tail, **wall, **result}, sys.stdout, indent=1)
        sys.stdout.write("\n")
