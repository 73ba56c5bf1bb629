"""A line chart as SVG, written by hand: no plotting library is needed for five lines and two axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 720, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 40, 55
COLOURS = ("#1f6feb", "#8250df", "#bf8700", "#57606a", "#1a7f37")


@dataclass(frozen=True)
class Line:
    """A series; a single point is drawn as a dot."""

    label: str
    points: list[tuple[float, float]]
    dashed: bool = False
    dots: bool = field(default=False)


def chart(title: str, x_label: str, y_label: str, lines: list[Line]) -> str:
    """The SVG text; axes span all points."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    pad = (high_y - low_y) * 0.06 or 0.01
    low_y, high_y = low_y - pad, high_y + pad
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        right = (x - low_x) / ((high_x - low_x) or 1.0)
        return LEFT + right * wide, TOP + (1 - (y - low_y) / (high_y - low_y)) * tall

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="14" font-weight="600">{escape(title)}</text>',
    ]
    parts += _axes(low_x, high_x, low_y, high_y, place)
    parts.append(f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_label)}</text>')
    middle = TOP + tall / 2
    parts.append(
        f'<text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">{escape(y_label)}</text>'
    )
    for index, line in enumerate(lines):
        colour = COLOURS[index % len(COLOURS)]
        placed = [place(x, y) for x, y in line.points]
        if len(placed) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            dash = ' stroke-dasharray="5 4"' if line.dashed else ""
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        if line.dots or len(placed) == 1:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in placed]
        row = TOP + 14 + 20 * index
        parts.append(f'<rect x="{WIDTH - RIGHT + 16}" y="{row - 9}" width="12" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 34}" y="{row}">{escape(line.label)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _axes(low_x: float, high_x: float, low_y: float, high_y: float, place) -> list[str]:  # noqa: ANN001 - local to chart
    parts = []
    for step in range(6):
        x, y = low_x + (high_x - low_x) * step / 5, low_y + (high_y - low_y) * step / 5
        px, _ = place(x, low_y)
        _, py = place(low_x, y)
        parts.append(f'<line x1="{LEFT}" y1="{py:.1f}" x2="{WIDTH - RIGHT}" y2="{py:.1f}" stroke="#d0d7de"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{py + 4:.1f}" text-anchor="end">{y:.3f}</text>')
        parts.append(f'<text x="{px:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:.3g}</text>')
    return parts
