"""The report's section on the data: what each column holds."""

from __future__ import annotations

from typing import Any

from trainer.report.markup import NOTHING, bars, number, section, shorten, table, text

MAX_CATEGORIES = 12
MIN_ROWS_SHOWN = 10  # smaller counts could point at people


def columns_section(manifest: dict[str, Any]) -> str:
    """Return the section on the data: warnings, and every column with its range and distribution."""
    baseline = {column["name"]: column for column in manifest["baseline"]["columns"]}
    rows = [
        [
            text(column["name"]),
            text(column.get("kind", "")),
            _role(column),
            number(column.get("missing")),
            number(column.get("distinct")),
            _range(column),
            _distribution(baseline.get(column["name"]), column),
        ]
        for column in manifest["profile"]
    ]
    warnings = "".join(f"<li>{text(warning)}</li>" for warning in manifest["warnings"])
    columns = table(
        ["Column", "Kind", "Role", "Missing", "Distinct", "Range", "Distribution"],
        rows,
        caption=_rows(manifest),
        numeric=3,
    )
    return section("data", "Data", (f"<ul>{warnings}</ul>" if warnings else "") + columns)


def _rows(manifest: dict[str, Any]) -> str:
    split = manifest["split"]
    parts = (split["train"], split["validation"], split["holdout"])
    return "{:,} rows for training, {:,} for choosing and calibrating the model, {:,} in the holdout".format(*parts)


def _role(column: dict[str, Any]) -> str:
    return text(column.get("role", "")) + (f": {text(column['reason'])}" if column.get("reason") else "")


def _range(profile: dict[str, Any]) -> str:
    ends = [profile.get("min"), profile.get("max")]
    if None not in ends:
        return (
            f'{number(ends[0])} to {number(ends[1])} <span class="interval">mean {number(profile.get("mean"))}</span>'
        )
    if profile.get("first") and profile.get("last"):
        return f"{text(profile['first'])} to {text(profile['last'])}"
    top = profile.get("top") or ()
    return ", ".join(text(shorten(str(value))) for value, _ in top[:3]) or NOTHING


def _distribution(column: dict[str, Any] | None, profile: dict[str, Any]) -> str:
    if column is None:
        return ""
    counts = [count if count >= MIN_ROWS_SHOWN else 0 for count in column["counts"]]
    if column.get("categories"):
        return bars(counts[:MAX_CATEGORIES])
    return bars(counts, _bounds(column.get("edges"), profile))


def _bounds(edges: list[float] | None, profile: dict[str, Any]) -> list[float] | None:
    low, high = profile.get("min"), profile.get("max")
    if not edges or not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    if not low <= edges[0] <= edges[-1] <= high:
        return None
    return [low, *edges, high]
