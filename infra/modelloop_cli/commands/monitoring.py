"""How a model does in the world: drift, quality, traffic, and where an answer came from."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import typer

from modelloop_cli.options import Json, Limit, Model, StackName
from modelloop_cli.quarantined import newest
from modelloop_cli.screen import Screen, table
from modelloop_cli.tracing import lineage_view
from modelloop_cli.watching import (
    column_view,
    drift_history_view,
    drift_view,
    quality_history_view,
    quality_view,
    quarantine_view,
    summary_view,
)
from modelloop_client.client import Client, Document
from modelloop_client.failures import ApiError, CommandError
from modelloop_client.target import find_stack

History = Annotated[
    int | None,
    typer.Option("--history", min=1, max=100, help="So many verdicts over time instead.", show_default=False),
]


def drift(
    model: Model,
    column: Annotated[str | None, typer.Option("--column", "-c", help="One column, training against live.")] = None,
    history: History = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Show the drift verdict, column by column."""
    view = drift_history_view if history else column_view if column else drift_view
    _topic(model, "drift", view, stack, as_json=as_json, column=column, limit=history)


def quality(model: Model, history: History = None, stack: StackName = None, as_json: Json = False) -> None:
    """Show realised quality from feedback, and the estimate without labels."""
    view = quality_history_view if history else quality_view
    _topic(model, "quality", view, stack, as_json=as_json, limit=history)


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


def quarantine(
    model: Annotated[str | None, typer.Option("--model", "-m", help="Lines that name it; default: all lines.")] = None,
    limit: Limit = 20,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """List captures and feedback with lines that could not be read: why, and where they lie."""
    screen = Screen(as_json=as_json)
    found = newest(find_stack(stack), limit, model)
    screen.show({"quarantine": found}, lambda: quarantine_view(found))


def audit(model: Model, limit: Limit = 20, stack: StackName = None, as_json: Json = False) -> None:
    """List who changed what, when and why."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        found = client.audit(model, limit)
    columns = ("time", "action", "who", "why")
    screen.show(
        {"audit": found},
        lambda: table(f"Audit of {model}", columns, ([one.get(name) for name in columns] for one in found)),
    )


def lineage(
    prediction: Annotated[str, typer.Argument(help="The prediction's id.", show_default=False)],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Its model; default: look in all.")] = None,
    row: Annotated[int | None, typer.Option("--row", min=0, help="One row of its request, from 0.")] = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Trace a prediction to its version, run, dataset, spec, code and lock, and to the versions before."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        names = [model] if model else [one["name"] for one in client.models(1000)]
        found = next((one for name in names if (one := _traced(client, name, prediction, row))), None)
    if found is None:
        raise CommandError(
            f"no model knows the prediction {prediction}", "Captures take a minute to arrive; they expire in time"
        )
    screen.show(found, lambda: lineage_view(found))


def _traced(client: Client, model: str, prediction: str, row: int | None) -> Document | None:
    try:
        return client.about(model, f"lineage/{prediction}", row=row)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND and error.field != "row":
            return None
        raise


def _topic(model: str, topic: str, view: Any, stack: str | None, *, as_json: bool, **params: str | int | None) -> None:
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        found = client.about(model, topic, **params)
    screen.show(found, lambda: view(found))
