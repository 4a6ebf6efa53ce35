"""Small pieces of HTML; every text that comes from data is escaped here."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NOTHING = "\u2013"
BAR_WIDTH, BAR_HEIGHT = 6, 28


def text(value: object) -> str:
    """Return a value as escaped text."""
    return escape(str(value))


def number(value: object, digits: int = 4) -> str:
    """Return a number with few digits; a dash for none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NOTHING if value is None else text(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}g}"


def figure(metric: dict[str, Any] | None) -> str:
    """Return a metric with its interval, which may wrap below it."""
    if metric is None or metric.get("value") is None:
        return NOTHING
    if metric.get("low") is None:
        return number(metric["value"])
    span = f"{number(metric['low'], 3)} to {number(metric['high'], 3)}"
    return f'{number(metric["value"])} <span class="interval">{span}</span>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str, numeric: int = 1) -> str:
    """Return a table of ready-made cells; columns from `numeric` on are aligned as numbers."""
    marks = ["" if place < numeric else ' class="number"' for place in range(len(head))]
    heads = "".join(f'<th scope="col"{mark}>{text(name)}</th>' for name, mark in zip(head, marks, strict=True))
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>'
        + "".join(f"<td{mark}>{cell}</td>" for cell, mark in zip(row[1:], marks[1:], strict=True)) + "</tr>"
        for row in rows
    )  # fmt: skip
    region = f'role="region" tabindex="0" aria-label="{text(caption)}"'
    return (
        f'<div class="scroll" {region}><table><caption>{text(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def pairs(entries: Iterable[tuple[str, str]]) -> str:
    """Return names with ready-made values."""
    return "<dl>" + "".join(f"<div><dt>{text(name)}</dt><dd>{value}</dd></div>" for name, value in entries) + "</dl>"


def chart(name: str, label: str, figures: str, *, tall: bool = False) -> str:
    """Return the place where the page's script draws a chart; `label` says what it shows, a table has its figures."""
    size, place = " tall" if tall else "", text(name)
    return (
        f'<figure class="chart{size}"><div><canvas id="chart-{place}" role="img" aria-label="{text(label)}" '
        f'aria-details="figures-{place}"></canvas></div><figcaption>{text(label)}</figcaption>'
        f'<details id="figures-{place}"><summary>Figures<span class="unseen"> of: {text(label)}</span></summary>'
        f"{figures}</details></figure>"
    )


def section(name: str, title: str, body: str) -> str:
    """Return a section, or nothing when it has no body."""
    return f'<section id="{text(name)}"><h2>{text(title)}</h2>{body}</section>' if body else ""


def bars(counts: Sequence[int], bounds: Sequence[float] | None = None) -> str:
    """Return a small histogram. `bounds`, one more than the counts, make widths true and heights densities.

    Bins that hold equally many rows would otherwise all be equally high, whatever the column looks like.
    """
    bounds = range(len(counts) + 1) if bounds is None else bounds
    spread = bounds[-1] - bounds[0] if counts else 0
    widths = [high - low for low, high in pairwise(bounds)]
    densities = [count / width if width > 0 else 0.0 for count, width in zip(counts, widths, strict=True)]
    most = max(densities, default=0.0)
    if not most:
        return ""
    width = BAR_WIDTH * len(counts)
    shapes = "".join(
        f'<rect x="{width * (low - bounds[0]) / spread:.1f}" y="{BAR_HEIGHT * (1 - density / most):.1f}" '
        f'width="{max(width * wide / spread - 1, 0.5):.1f}" height="{BAR_HEIGHT * density / most:.1f}"/>'
        for low, wide, density in zip(bounds, widths, densities, strict=False)
    )
    return (
        f'<svg class="bars" viewBox="0 0 {width} {BAR_HEIGHT}" width="{width}" height="{BAR_HEIGHT}" '
        f'role="img" aria-label="histogram of {len(counts)} bins">{shapes}</svg>'
    )
