"""A bar chart as SVG, drawn here: four bars and their numbers need no library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.benchmarks.serving.models import TITLES
from tests.benchmarks.serving.results import NAMES

if TYPE_CHECKING:
    from tests.benchmarks.serving.cold import Starts
    from tests.benchmarks.serving.warm import Warm

WIDTH, LEFT, BAR, GAP = 760, 300, 18, 8
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 15px }
  .ours { fill: #1a7f5a } .other { fill: #b4bcc6 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .ours { fill: #3fb98a } .other { fill: #57606a } }
"""


def draw(starts: dict[str, Starts], warms: list[Warm]) -> str:
    """Return the picture of cold starts (ms) and warm single-row answers (µs)."""
    cold = [(NAMES[name], start.typical, name == "ours") for name, start in starts.items()]
    rows: list[tuple[str, float, bool]] = []
    for warm in warms:
        title = TITLES[warm.family].split(",")[0]
        rows += [(f"Modelloop, {title}", warm.ours.typical, True), (f"usual, {title}", warm.usual.typical, False)]
    top, body = _chart("Cold start, ms: process start to first answer", cold, 10)
    end, more = _chart("Warm, µs: one row, gateway event in to response out", rows, top + 24)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {end}" role="img" '
        f'aria-label="Cold starts and warm answers of Modelloop and of the usual handler">'
        f"<style>{STYLE}</style>{body}{more}</svg>\n"
    )


def _chart(title: str, bars: list[tuple[str, float, bool]], top: float) -> tuple[float, str]:
    largest = max(value for _, value, _ in bars)
    room = WIDTH - LEFT - 90
    parts = [f'<text class="title" x="0" y="{top + 14}">{title}</text>']
    y = top + 28.0
    for name, value, ours in bars:
        length = max(2.0, room * value / largest)
        kind = "ours" if ours else "other"
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 13.5}" text-anchor="end">{name}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{LEFT + length + 6:.1f}" y="{y + 13.5}">{value:,.0f}</text>',
        ]
        y += BAR + GAP
    return y, "".join(parts)
