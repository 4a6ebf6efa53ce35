"""Drift, quality, traffic and unreadable lines of a model as a person reads them, now and over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from modelloop_cli.console import count_noun, format_cell, format_status, make_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from modelloop_client.client import Document

_DRIFT_COLUMNS = ("name", "drifted", "distance", "threshold", "psi", "p_value")
_DRIFT_HEADS = ("column", "drifted", "distance", "threshold", "PSI", "p-value")


def drift_view(verdict: Document) -> RenderableType:
    """Return a drift verdict as a headline, its reasons, and a table of columns, the most drifted first."""
    window = verdict.get("window") or {}
    span = f" from {window['from']} to {window['to']}" if {"from", "to"} <= window.keys() else ""
    rows = f"{count_noun(verdict.get('rows') or 0, 'row')}{span}"
    columns = sorted(verdict.get("columns") or (), key=lambda column: -(column.get("distance") or 0))
    lines = ([column.get(name) for name in _DRIFT_COLUMNS] for column in columns)
    parts: list[RenderableType] = [_headline(verdict, "data", rows), *_reasons(verdict)]
    if columns:
        parts.append(make_table("Columns, most drifted first", _DRIFT_HEADS, lines))
    return Group(*parts)


def column_view(document: Document) -> RenderableType:
    """Return one column's two distributions: the share of rows of each bin, in training and live."""
    column = document["column"]
    bins, rows = column["bins"], column["rows"]
    head = Text.from_markup(
        f"[bold]{column['name']}[/] of {document['model']}: distance {format_cell(column['distance'])}, "
        f"threshold {format_cell(column['threshold'])}; {count_noun(rows['baseline'], 'row')} in training, "
        f"{rows['window']:,} live"
    )
    shares = [_shares(bins[side]) for side in ("baseline", "window")]
    return Group(head, make_table("", ("bin", "training", "live"), zip(bins["labels"], *shares, strict=True)))


def drift_history_view(document: Document) -> Table:
    """Return drift verdicts over time: of one column when the answer is about one, else of the most drifted."""
    which = "column" if document.get("column") else "worst"
    lines = (
        [*_point(verdict), *_distance(verdict.get(which) or {}), ", ".join(verdict["drifted"])]
        for verdict in document["history"]
    )
    columns = ("time", "version", "status", "rows", "column", "distance", "threshold", "drifted")
    return make_table(f"Drift of {document['model']} over time, newest first", columns, lines)


def quality_view(verdict: Document) -> RenderableType:
    """Return realised quality beside the holdout's, and the estimate that needs no labels."""
    coverage = verdict.get("coverage")
    share = "" if coverage is None else f" ({coverage:.1%} of the predictions)"
    rows = f"{count_noun(verdict.get('rows') or 0, 'labelled row')}{share}"
    parts: list[RenderableType] = [_headline(verdict, "quality", rows), *_reasons(verdict)]
    lines = [
        [name, figure.get("value"), figure.get("low"), figure.get("high"), (figure.get("holdout") or {}).get("value")]
        for name, figure in (verdict.get("metrics") or {}).items()
    ]
    if lines:
        columns = ("metric", "live", "low", "high", "holdout")
        parts.append(make_table("Quality on labelled rows, with 95 % interval", columns, lines))
    parts += [Text(line) for line in (_labels(verdict), _estimate(verdict.get("estimate") or {})) if line]
    return Group(*parts)


def quality_history_view(document: Document) -> Table:
    """Return the quality verdicts over time, with a column for each metric."""
    names = sorted({name for verdict in document["history"] for name in verdict["metrics"]})
    lines = (
        [*_point(verdict), *((verdict["metrics"].get(name) or {}).get("value") for name in names)]
        for verdict in document["history"]
    )
    columns = ("time", "version", "status", "labels", *names)
    return make_table(f"Quality of {document['model']} over time, newest first", columns, lines)


def summary_view(document: Document) -> RenderableType:
    """Return the traffic of a span of hours, a line for each version and variant, and how many lines are unreadable."""
    columns = ("version", "variant", "requests", "rows", "errors", "cold starts", "p50 ms", "p99 ms",
               "cost of 1,000 predictions")  # fmt: skip
    lines = [
        [version["version"], variant, counts["requests"], counts["rows"], counts["errors"], counts["cold_starts"],
         counts["latency_ms"]["p50"], counts["latency_ms"]["p99"],
         (counts.get("cost") or {}).get("per_1000_predictions")]
        for version in document["versions"]
        for variant, counts in version["variants"].items()
    ]  # fmt: skip
    model, span = document["model"], f"{document['from'][:16]} to {document['to'][:16]}"
    traffic = make_table(f"Traffic of {model}, {span}", columns, lines)
    unreadable = ", ".join(f"{reason} {count}" for reason, count in (document.get("quarantined") or {}).items())
    if not unreadable:
        return traffic
    hint = f"! unreadable lines: {unreadable}; see modelloop quarantine --model {model}"
    return Group(traffic, Text(hint, style="yellow"))


def quarantine_view(objects: Sequence[Document]) -> RenderableType:
    """Return the unreadable lines, a line for each object and group."""
    if not objects:
        return Text("There are no unreadable lines.")
    columns = ("found at", "model", "kind", "lines", "first line", "reason", "object", "quarantine")
    lines = [
        [item["put_aside_at"], group["model"], group["kind"], group["lines"], group["first_line"], group["reason"],
         item["object"], item["quarantine"]]
        for item in objects
        for group in item["groups"]
    ]  # fmt: skip
    return make_table("Unreadable lines", columns, lines)


def _headline(verdict: Document, topic: str, rows: str) -> Text:
    status = format_status(verdict.get("status"), verdict.get("reasons") or ())
    version = verdict.get("version")
    name = "" if version is None else f" version {version}"
    return Text.assemble((str(verdict.get("model", "")), "bold"), f"{name}, {topic}: ", status, f", {rows}")


def _reasons(verdict: Document) -> list[Text]:
    return [Text(f"! {reason}", style="yellow") for reason in verdict.get("reasons") or ()]


def _shares(counts: list[int]) -> list[str]:
    total = sum(counts)
    return [f"{count / total:.1%}" if total else "-" for count in counts]


def _point(verdict: Document) -> list[Any]:
    """Return the first cells of a verdict in a history."""
    return [(verdict["updated_at"] or "")[:19], verdict["version"], format_status(verdict["status"]), verdict["rows"]]


def _distance(column: Document) -> list[Any]:
    return [column.get(name) for name in ("name", "distance", "threshold")]


def _labels(verdict: Document) -> str | None:
    """Return how many labels were received, and what became of them."""
    labels = verdict.get("labels")
    if not labels:
        return None
    pending = labels.get("pending", 0)
    outcomes = [
        f"{verdict.get('rows') or 0:,} used",
        f"{pending:,} waiting for {'its prediction' if pending == 1 else 'their predictions'}" if pending else None,
        f"{labels['unknown']:,} without a known prediction" if labels.get("unknown") else None,
        f"{labels['other_model']:,} of another model's predictions" if labels.get("other_model") else None,
        f"{labels['new_class']:,} of no known class" if labels.get("new_class") else None,
        f"{labels['unreadable']:,} unreadable" if labels.get("unreadable") else None,
        f"{labels['repeated']:,} sent again" if labels.get("repeated") else None,
    ]
    return f"{count_noun(labels['received'], 'label')} received: {', '.join(filter(None, outcomes))}"


def _estimate(estimate: Document) -> str | None:
    """Return the quality that was estimated without labels, or why it was not."""
    if not estimate:
        return None
    if not estimate.get("available"):
        return f"Estimate without labels: not available: {estimate.get('reason')}"
    low, high = estimate.get("low"), estimate.get("high")
    interval = "" if low is None or high is None else f" ({low:.4g} to {high:.4g})"
    rows = count_noun(estimate["rows"], "row")
    return f"Estimate without labels: {estimate['metric']} {estimate['value']:.4g}{interval}, from {rows}"
