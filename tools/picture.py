"""Draw ``docs/audit.svg``, the README's picture of an audit, from a report's JSON.

``python -m tools.picture penstock-demo/report.json`` after ``make demo``.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import msgspec
from rich.console import Console

from penstock.audit.report import terminal
from penstock.audit.report.model import from_json

PICTURE = Path(__file__).parent.parent / "docs" / "audit.svg"
TOP = 5
"""Findings in the picture; the report itself shows all."""
_FONT_FACES = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


def draw(report: bytes, width: int = 92) -> str:
    """The report's terminal view as an SVG that asks no other host for anything."""
    whole = from_json(report)
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    terminal.show(msgspec.structs.replace(whole, findings=whole.findings[:TOP], method=()), console)
    return _FONT_FACES.sub("", console.export_svg(title="penstock audit"))


if __name__ == "__main__":
    PICTURE.write_text(draw(Path(sys.argv[1]).read_bytes()), encoding="utf-8")
