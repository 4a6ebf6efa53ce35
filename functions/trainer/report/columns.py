"""The report's section on the data: what each column holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.report.markup import NOTHING, bars, number, section, shorten, table, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.baseline import BaselineColumn
    from modelloop.contracts.manifest import Manifest
    from modelloop.versions.prepared_table import ColumnProfile

MAX_CATEGORIES = 12
MIN_ROWS_SHOWN = 10  # smaller counts could point at people


def columns_section(manifest: Manifest) -> str:
    """Return the section on the data: warnings, and every column with its range and distribution."""
    rows = [
        [
            text(column.name),
            text(column.kind),
            _role(column),
            number(column.missing),
            number(column.distinct),
            _range(column),
            _distribution(manifest.baseline.column(column.name), column),
        ]
        for column in manifest.profile
    ]
    warnings = "".join(f"<li>{text(warning)}</li>" for warning in manifest.warnings)
    columns = table(
        ["Column", "Kind", "Role", "Missing", "Distinct", "Range", "Distribution"],
        rows,
        caption=_rows(manifest),
        numeric=3,
    )
    return section("data", "Data", (f"<ul>{warnings}</ul>" if warnings else "") + columns)


def _rows(manifest: Manifest) -> str:
    split = manifest.split
    parts = (split.train, split.validation, split.holdout)
    return "{:,} rows for training, {:,} for choosing and calibrating the model, {:,} in the holdout".format(*parts)


def _role(column: ColumnProfile) -> str:
    return text(column.role) + (f": {text(column.reason)}" if column.reason else "")


def _range(profile: ColumnProfile) -> str:
    if profile.min is not None and profile.max is not None:
        ends = f"{number(profile.min)} to {number(profile.max)}"
        return f'{ends} <span class="interval">mean {number(profile.mean)}</span>'
    if profile.first and profile.last:
        return f"{text(profile.first)} to {text(profile.last)}"
    return ", ".join(text(shorten(str(value))) for value, _ in profile.top[:3]) or NOTHING


def _distribution(column: BaselineColumn | None, profile: ColumnProfile) -> str:
    if column is None:
        return ""
    counts = [count if count >= MIN_ROWS_SHOWN else 0 for count in column.counts]
    if column.bins.categories:
        return bars(counts[:MAX_CATEGORIES])
    return bars(counts, _bounds(column.bins.edges, profile))


def _bounds(edges: Sequence[float] | None, profile: ColumnProfile) -> list[float] | None:
    low, high = profile.min, profile.max
    if not edges or low is None or high is None:
        return None
    if not low <= edges[0] <= edges[-1] <= high:
        return None
    return [low, *edges, high]
