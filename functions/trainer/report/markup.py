"""Small pieces of HTML. Every text that comes from data is escaped here."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING = "\u2013"
BAR_WIDTH, BAR_HEIGHT = 6, 28
MAX_NAME_LENGTH = 16


def text(value: object) -> str:
    """Return a value as escaped text."""
    return escape(str(value))


def shorten(name: str) -> str:
    """Return a name with its middle left out when it is longer than 16 letters: many differ at the ends alone."""
    half = MAX_NAME_LENGTH // 2
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: half - 1]}\u2026{name[-half:]}"


def number(value: object, digits: int = 4) -> str:
    """Return a number with `digits` significant digits, whole numbers in full, and a dash for None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else text(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}g}"


def figure(metric: dict[str, Any] | None) -> str:
    """Return a metric's value and, where there is one, its interval as HTML; a dash without a value."""
    if metric is None or metric.get("value") is None:
        return NOTHING
    if metric.get("low") is None:
        return number(metric["value"])
    interval = f"{number(metric['low'], 3)} to {number(metric['high'], 3)}"
    return f'{number(metric["value"])} <span class="interval">{interval}</span>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, numeric: int = 1) -> str:
    """Return a table of cells that are HTML already; columns from `numeric` on are aligned as numbers."""
    classes = ["" if column < numeric else ' class="number"' for column in range(len(head))]
    heads = "".join(f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(head, classes, strict=True))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row[1:], classes[1:], strict=True)) + "</tr>"
        for row in rows
    )  # fmt: skip
    region = f'role="region" tabindex="0" aria-label="{text(caption)}"'
    return (
        f'<div class="scroll" {region}><table><caption>{text(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def pairs(entries: Iterable[tuple[str, str]]) -> str:
    """Return a list of names with their values, which are HTML already."""
    return "<dl>" + "".join(f"<div><dt>{text(name)}</dt><dd>{value}</dd></div>" for name, value in entries) + "</dl>"


def chart(name: str, label: str, figures: str, *, tall: bool = False) -> str:
    """Return the canvas where page.js draws a chart, `label`, which says what it shows, and its figures as a table."""
    size, name = " tall" if tall else "", text(name)
    return (
        f'<figure class="chart{size}"><div><canvas id="chart-{name}" role="img" aria-label="{text(label)}" '
        f'aria-details="figures-{name}"></canvas></div><figcaption>{text(label)}</figcaption>'
        f'<details id="figures-{name}"><summary>Figures<span class="unseen"> of: {text(label)}</span></summary>'
        f"{figures}</details></figure>"
    )


def section(name: str, title: str, body: str) -> str:
    """Return a section, or an empty text when it has no body."""
    return f'<section id="{text(name)}"><h2>{text(title)}</h2>{body}</section>' if body else ""


def bars(counts: Sequence[int], bounds: Sequence[float] | None = None) -> str:
    """Return a small histogram as SVG, to stand in a table's cell; an empty text when every count is 0.

    `bounds` are the edges of the bins, one more than there are counts. With them a bin is as wide as its interval and
    as high as its density: bins that hold equally many rows would otherwise be equally high, whatever the column's
    distribution is. The counts are in the accessible name, because a cell has no room for a table.
    """
    bounds = range(len(counts) + 1) if bounds is None else bounds
    extent = bounds[-1] - bounds[0] if counts else 0
    widths = [high - low for low, high in pairwise(bounds)]
    densities = [count / width if width > 0 else 0.0 for count, width in zip(counts, widths, strict=True)]
    highest = max(densities, default=0.0)
    if not highest:
        return ""
    width = BAR_WIDTH * len(counts)
    shapes = "".join(
        f'<rect x="{width * (low - bounds[0]) / extent:.1f}" y="{BAR_HEIGHT * (1 - density / highest):.1f}" '
        f'width="{max(width * bin_width / extent - 1, 0.5):.1f}" height="{BAR_HEIGHT * density / highest:.1f}"/>'
        for low, bin_width, density in zip(bounds, widths, densities, strict=False)
    )
    rows = ", ".join(f"{count:,}" for count in counts)
    return (
        f'<svg class="bars" viewBox="0 0 {width} {BAR_HEIGHT}" width="{width}" height="{BAR_HEIGHT}" '
        f'role="img" aria-label="histogram, rows by bin: {rows}"><title>{rows}</title>{shapes}</svg>'
    )
