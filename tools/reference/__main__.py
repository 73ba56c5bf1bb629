"""``python -m tools.reference`` writes ``docs/reference/*.md``; ``--check`` exits 1 and names the pages that differ."""

from __future__ import annotations

import sys

from tools.reference.pages import main

if __name__ == "__main__":
    raise SystemExit(main(check="--check" in sys.argv[1:]))
