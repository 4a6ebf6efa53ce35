"""A run as a person reads it: its task, metrics, gate decision and warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from modelloop_cli.console import COLOURS, make_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from modelloop_client.client import Document

GATE_WORDS = {"release": "released", "reject": "refused", "approve": "needs approval"}


def metric_rows(metrics: Document | None) -> Iterator[list[Any]]:
    """Yield name, holdout value, its interval as text, and the trivial model's value, for every metric."""
    document = metrics or {}
    holdout = document.get("holdout", document) or {}  # a version has the holdout metrics alone
    trivial = document.get("trivial") or {}
    for name, metric in holdout.items():
        value, low, high = _read_metric(metric)
        trivial_value, _, _ = _read_metric(trivial.get(name))
        interval = None if low is None or high is None else f"{low:.4g} to {high:.4g}"
        yield [name, value, interval, trivial_value]


def metric_table(metrics: Document | None) -> RenderableType:
    """Return the holdout metrics beside the trivial model's."""
    return make_table("Holdout metrics", ("metric", "model", "95 % interval", "trivial model"), metric_rows(metrics))


def run_panel(run: Document) -> RenderableType:
    """Return a panel with a run's task, figures, gate decision, metrics, warnings and reason."""
    parts: list[RenderableType] = [
        Text.assemble((name, "bold"), f" {value}") for name, value in _fields(run) if value not in (None, "")
    ]
    if (run.get("metrics") or {}).get("holdout"):
        parts.append(metric_table(run["metrics"]))
    parts += [Text(f"! {warning}", style="yellow") for warning in run.get("warnings") or ()]
    if run.get("reason"):
        parts.append(Text(str(run["reason"]), style="yellow"))
    colour = COLOURS.get(run["state"], "white")
    return Panel(Group(*parts), title=f"{run['model']}: [{colour}]{run['state']}[/]", expand=False, border_style=colour)


def gate_words(gate: Document) -> str | None:
    """Return what the gate decided, in words."""
    decision = gate.get("decision")
    if gate.get("unsure"):
        return "unsure, on trial"
    return GATE_WORDS.get(decision, decision) if decision else None


def _read_metric(metric: Any) -> tuple[float | None, float | None, float | None]:
    """Return a metric's value and the ends of its interval."""
    if isinstance(metric, dict):
        return metric.get("value"), metric.get("low"), metric.get("high")
    return (metric if isinstance(metric, int | float) else None), None, None


def _fields(run: Document) -> Iterator[tuple[str, Any]]:
    gate = run.get("gate") or {}
    yield "task", run.get("task_reason")
    yield "run", run["run_id"]
    yield "version", run.get("version")
    yield "rows", (run.get("dataset") or {}).get("rows")
    yield "planned", _resources(run.get("plan") or {})
    yield "took", _resources(run.get("spent") or {})
    yield "gate", gate_words(gate)
    yield "because", "; ".join(map(str, gate.get("reasons") or ()))


def _resources(document: Document) -> str | None:
    amounts = [(document.get("memory_mb"), "MB"), (document.get("seconds"), "s")]
    return ", ".join(f"{amount:,.0f} {unit}" for amount, unit in amounts if amount is not None) or None
