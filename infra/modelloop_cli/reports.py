"""A run as a person reads it: what was guessed, how it did, what the gate said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from modelloop_cli.screen import COLOURS, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from modelloop_client.client import Document


def metric_rows(metrics: Document | None) -> Iterator[list[Any]]:
    """Yield name, holdout value, its interval, and the trivial model's value, for every metric."""
    found = metrics or {}
    holdout = found.get("holdout", found) or {}  # a version's facts are the holdout metrics alone
    trivial = found.get("trivial") or {}
    for name, measured in holdout.items():
        value, low, high = _measured(measured)
        against, _, _ = _measured(trivial.get(name))
        interval = None if low is None or high is None else f"{low:.4g} to {high:.4g}"
        yield [name, value, interval, against]


def _measured(found: Any) -> tuple[float | None, float | None, float | None]:
    if isinstance(found, dict):
        return found.get("value"), found.get("low"), found.get("high")
    return (found if isinstance(found, int | float) else None), None, None


def metric_table(metrics: Document | None) -> RenderableType:
    """Return the holdout metrics beside the trivial model's."""
    return table("Holdout metrics", ("metric", "model", "95 % interval", "trivial model"), metric_rows(metrics))


def run_panel(run: Document) -> RenderableType:
    """Return a run with its task, metrics, gate, warnings and reason."""
    lines = [Text.from_markup(f"[bold]{name}[/] {value}") for name, value in _facts(run) if value not in (None, "")]
    parts: list[RenderableType] = [*lines]
    if (run.get("metrics") or {}).get("holdout"):
        parts.append(metric_table(run["metrics"]))
    parts += [Text(f"! {warning}", style="yellow") for warning in run.get("warnings") or ()]
    if run.get("reason"):
        parts.append(Text(str(run["reason"]), style="yellow"))
    colour = COLOURS.get(run["state"], "white")
    return Panel(Group(*parts), title=f"{run['model']}: [{colour}]{run['state']}[/]", expand=False, border_style=colour)


def _needs(document: Document) -> str | None:
    parts = [(document.get("memory_mb"), "MB"), (document.get("seconds"), "s")]
    return ", ".join(f"{amount:,.0f} {unit}" for amount, unit in parts if amount is not None) or None


def _facts(run: Document) -> Iterator[tuple[str, Any]]:
    plan = run.get("plan") or {}
    gate = run.get("gate") or {}
    dataset = run.get("dataset") or {}
    yield "task", run.get("task_reason")
    yield "run", run["run_id"]
    yield "version", run.get("version")
    yield "rows", dataset.get("rows")
    yield "planned", _needs(plan)
    yield "took", _needs(run.get("spent") or {})
    yield "gate", gate.get("decision")
    yield "gate says", "; ".join(map(str, gate.get("reasons") or ()))
