"""How a model does, as a person reads it: drift, quality and traffic, now and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.pretty import Pretty
from rich.text import Text

from modelloop_cli.screen import cell, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from modelloop_client.client import Document

_DRIFT_COLUMNS = ("name", "drifted", "distance", "threshold", "psi", "p_value")


def quality_view(found: Document) -> RenderableType:
    """Return realised quality beside the holdout's, and the estimate that needs no labels."""
    head = Text.from_markup(
        f"[bold]{found.get('model', '')}[/] version {cell(found.get('version'))}: {cell(found.get('status'))} over "
        f"{found.get('rows', 0)} labelled rows, coverage {cell(found.get('coverage'))}"
    )
    reasons = [Text(f"! {reason}", style="yellow") for reason in found.get("reasons") or ()]
    lines = [
        [name, figure.get("value"), figure.get("low"), figure.get("high"), (figure.get("holdout") or {}).get("value")]
        for name, figure in (found.get("metrics") or {}).items()
    ]
    parts: list[RenderableType] = [head, *reasons]
    if lines:
        parts.append(table("Realised quality", ("metric", "live", "low", "high", "holdout"), lines))
    if found.get("estimate"):
        parts += [Text("Estimate without labels", style="bold"), Pretty(found["estimate"])]
    return Group(*parts)


def summary_view(found: Document) -> RenderableType:
    """Return the traffic of a span of hours, a line a version and variant."""
    columns = ("version", "variant", "requests", "rows", "errors", "cold starts", "p50 ms", "p99 ms",
               "cost of 1,000 requests")  # fmt: skip
    lines = [
        [version["version"], variant, one["requests"], one["rows"], one["errors"], one["cold_starts"],
         one["latency_ms"]["p50"], one["latency_ms"]["p99"],
         (one.get("cost") or {}).get("per_1000_predictions")]
        for version in found["versions"]
        for variant, one in version["variants"].items()
    ]  # fmt: skip
    traffic = table(f"Traffic of {found['model']}, {found['from'][:16]} to {found['to'][:16]}", columns, lines)
    put_aside = ", ".join(f"{reason} {count}" for reason, count in (found.get("quarantined") or {}).items())
    if not put_aside:
        return traffic
    hint = f"! lines that could not be read: {put_aside}; see modelloop quarantine --model {found['model']}"
    return Group(traffic, Text(hint, style="yellow"))


def quarantine_view(found: Sequence[Document]) -> RenderableType:
    """Return what was put aside, a line an object, model and reason."""
    if not found:
        return Text("No line was put aside.")
    columns = ("put aside", "model", "kind", "lines", "first", "reason", "object", "quarantine")
    lines = [
        [one["put_aside_at"], group["model"], group["kind"], group["lines"], group["first_line"], group["reason"],
         one["object"], one["quarantine"]]
        for one in found
        for group in one["groups"]
    ]  # fmt: skip
    return table("Lines that could not be read", columns, lines)


def drift_view(found: Document) -> RenderableType:
    """Return a drift verdict as a headline and a table of columns, the most shifted first."""
    window = found.get("window") or {}
    head = Text.from_markup(
        f"[bold]{found.get('model', '')}[/] version {cell(found.get('version'))}: {cell(found.get('status'))} over "
        f"{found.get('rows', 0)} rows, {cell(window.get('from'))} to {cell(window.get('to'))}"
    )
    columns = sorted(found.get("columns") or (), key=lambda column: -(column.get("distance") or 0))
    lines = ([column.get(name) for name in _DRIFT_COLUMNS] for column in columns)
    reasons = [Text(f"! {reason}", style="yellow") for reason in found.get("reasons") or ()]
    return Group(head, *reasons, table("", _DRIFT_COLUMNS, lines))


def column_view(found: Document) -> RenderableType:
    """Return one column's two distributions: the share of rows of each bin, in training and live."""
    column = found["column"]
    bins, rows = column["bins"], column["rows"]
    head = Text.from_markup(
        f"[bold]{column['name']}[/] of {found['model']}: distance {cell(column['distance'])}, "
        f"threshold {cell(column['threshold'])}; {rows['baseline']} rows in training, {rows['window']} live"
    )
    shares = [_shares(bins[side]) for side in ("baseline", "window")]
    return Group(head, table("", ("bin", "training", "live"), zip(bins["labels"], *shares, strict=True)))


def _shares(counts: list[int]) -> list[str]:
    whole = sum(counts)
    return [f"{count / whole:.1%}" if whole else "-" for count in counts]


def drift_history_view(found: Document) -> Table:
    """Return the drift verdicts over time: of one column when the answer is about one, else of the most shifted."""
    which = "column" if found.get("column") else "worst"
    lines = (
        [*_when(point), *_how_far(point.get(which) or {}), ", ".join(point["drifted"])] for point in found["history"]
    )
    columns = ("time", "version", "status", "rows", "column", "distance", "threshold", "drifted")
    return table(f"Drift of {found['model']} over time, newest first", columns, lines)


def quality_history_view(found: Document) -> Table:
    """Return the quality verdicts over time, with a column a metric."""
    names = sorted({name for point in found["history"] for name in point["metrics"]})
    lines = (
        [*_when(point), *((point["metrics"].get(name) or {}).get("value") for name in names)]
        for point in found["history"]
    )
    columns = ("time", "version", "status", "labels", *names)
    return table(f"Quality of {found['model']} over time, newest first", columns, lines)


def _when(point: Document) -> list[Any]:
    return [(point["updated_at"] or "")[:19], point["version"], point["status"], point["rows"]]


def _how_far(column: Document) -> list[Any]:
    return [column.get(name) for name in ("name", "distance", "threshold")]
