"""How a model does in the world: drift, quality, traffic, and where an answer came from."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.pretty import Pretty
from rich.text import Text

from infra.cli.client import Client, Document
from infra.cli.failures import ApiError, CommandError
from infra.cli.options import Json, Limit, Model, StackName
from infra.cli.screen import Screen, cell, table
from infra.cli.target import find_stack


def drift(model: Model, stack: StackName = None, as_json: Json = False) -> None:
    """Show the drift verdict, column by column."""
    _topic(model, "drift", drift_view, stack, as_json=as_json)


def quality(model: Model, stack: StackName = None, as_json: Json = False) -> None:
    """Show realised quality from feedback, and the estimate without labels."""
    _topic(model, "quality", quality_view, stack, as_json=as_json)


def summary(
    model: Model,
    start: Annotated[str | None, typer.Option("--from", help="From this time (ISO 8601, UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="To this time (ISO 8601, UTC).")] = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Show traffic by version: rows, predictions, errors, latency, cost of 1,000 predictions."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        found = client.about(model, "summary", **{"from": start, "to": end})
    screen.show(found, lambda: summary_view(found))


def audit(model: Model, limit: Limit = 20, stack: StackName = None, as_json: Json = False) -> None:
    """List who changed what, when and why."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        found = client.pages(f"/models/{model}/audit", "audit", limit)
    columns = ("time", "action", "who", "why")
    screen.show(
        {"audit": found},
        lambda: table(f"Audit of {model}", columns, ([one.get(name) for name in columns] for one in found)),
    )


def lineage(
    prediction: Annotated[str, typer.Argument(help="The prediction's id.", show_default=False)],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Its model; default: look in all.")] = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Trace a prediction to its version, run, dataset, spec, code and lock."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        names = [model] if model else [one["name"] for one in client.models(1000)]
        found = next((one for name in names if (one := _traced(client, name, prediction))), None)
    if found is None:
        raise CommandError(
            f"no model knows the prediction {prediction}", "Captures take a minute to arrive; they expire in time"
        )
    screen.show(found, lambda: Pretty(found, expand_all=True))


def _traced(client: Client, model: str, prediction: str) -> Document | None:
    try:
        return client.about(model, f"lineage/{prediction}")
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        raise


def _topic(model: str, topic: str, view: Any, stack: str | None, *, as_json: bool) -> None:
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        found = client.about(model, topic)
    screen.show(found, lambda: view(found))


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
               "cost of 1,000")  # fmt: skip
    lines = [
        [version["version"], variant, one["requests"], one["rows"], one["errors"], one["cold_starts"],
         one["latency_ms"]["p50"], one["latency_ms"]["p99"],
         (one.get("cost") or {}).get("per_1000_predictions")]
        for version in found["versions"]
        for variant, one in version["variants"].items()
    ]  # fmt: skip
    return table(f"Traffic of {found['model']}, {found['from'][:16]} to {found['to'][:16]}", columns, lines)


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


_DRIFT_COLUMNS = ("name", "drifted", "distance", "threshold", "psi", "p_value")
