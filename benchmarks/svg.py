"""A line chart as SVG, written by hand: no plotting library is needed for five lines and two axes."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 720, 460
LEFT, RIGHT, TOP, BOTTOM = 70, 200, 56, 55
TICKS = 6
COLOURS = ("#1f6feb", "#8250df", "#bf8700", "#57606a", "#1a7f37")


@dataclass(frozen=True)
class Line:
    """A series; a single point is drawn as a dot."""

    label: str
    points: list[tuple[float, float]]
    dashed: bool = False
    dots: bool = field(default=False)


def chart(title: str, x_label: str, y_label: str, lines: list[Line], subtitle: str = "") -> str:
    """The SVG text; axes span all points, and their ticks are round numbers."""
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
        f'<text x="{LEFT}" y="40" fill="#57606a">{escape(subtitle)}</text>',
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
    bottom, end = HEIGHT - BOTTOM, WIDTH - RIGHT
    for y in round_ticks(low_y, high_y):
        py = place(low_x, y)[1]
        parts.append(f'<line x1="{LEFT}" y1="{py:.1f}" x2="{end}" y2="{py:.1f}" stroke="#eaeef2"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{py + 4:.1f}" text-anchor="end">{y:.6g}</text>')
    for x in round_ticks(low_x, high_x):
        px = place(x, low_y)[0]
        parts.append(f'<line x1="{px:.1f}" y1="{bottom}" x2="{px:.1f}" y2="{bottom + 4}" stroke="#57606a"/>')
        parts.append(f'<text x="{px:.1f}" y="{bottom + 18}" text-anchor="middle">{x:.6g}</text>')
    parts.append(f'<path d="M{LEFT} {TOP}V{bottom}H{end}" fill="none" stroke="#57606a"/>')
    return parts


def round_ticks(low: float, high: float) -> list[float]:
    """At most ``TICKS`` + 1 multiples of 1, 2 or 5 times a power of ten between the two, both included."""
    if high <= low:
        return [low]
    rough = (high - low) / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]
