"""Monitoring of a model: drift, quality, traffic, unreadable lines, the audit log, and where a prediction came from."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import typer

from modelloop_cli.console import Console, Json, Limit, Model, StackName, make_table
from modelloop_cli.lineage_view import lineage_view
from modelloop_cli.monitoring_view import (
    column_view,
    drift_history_view,
    drift_view,
    quality_history_view,
    quality_view,
    quarantine_view,
    summary_view,
)
from modelloop_cli.quarantine import list_quarantine
from modelloop_client.client import Client, Document
from modelloop_client.failures import ApiError, CommandError
from modelloop_client.stacks import find_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

MAX_MODELS = 1000

History = Annotated[
    int | None,
    typer.Option(
        "--history", min=1, max=100, help="Show the last N verdicts over time instead.", metavar="N", show_default=False
    ),
]


def drift(
    model: Model,
    column: Annotated[
        str | None, typer.Option("--column", "-c", help="Show the training and live distributions of one column.")
    ] = None,
    history: History = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Show the drift verdict, column by column.

    Look closer at a column with --column. When data drifted, see modelloop runs for the retraining.
    """
    view = drift_history_view if history else column_view if column else drift_view
    _show_document(model, "drift", view, stack, as_json=as_json, column=column, limit=history)


def quality(model: Model, history: History = None, stack: StackName = None, as_json: Json = False) -> None:
    """Show the quality on labelled rows, and the estimate without labels.

    Send labels with modelloop feedback.
    """
    view = quality_history_view if history else quality_view
    _show_document(model, "quality", view, stack, as_json=as_json, limit=history)


def summary(
    model: Model,
    start: Annotated[str | None, typer.Option("--from", help="Traffic from this time on (ISO 8601, UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Traffic before this time (ISO 8601, UTC).")] = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Show traffic by version: requests, rows, errors, latency and the cost of 1,000 predictions.

    The default is the last 24 hours.
    """
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        document = client.about(model, "summary", **{"from": start, "to": end})
    console.show(document, lambda: summary_view(document))


def quarantine(
    model: Annotated[str | None, typer.Option("--model", "-m", help="Only lines that name this model.")] = None,
    limit: Limit = 20,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """List captures and feedback with unreadable lines: why they are unreadable, and where they are stored.

    When an error in Modelloop was the cause, retry the captures with modelloop redrive.
    """
    console = Console(as_json=as_json)
    objects = list_quarantine(find_stack(stack), limit, model)
    console.show({"quarantine": objects}, lambda: quarantine_view(objects))


def audit(model: Model, limit: Limit = 20, stack: StackName = None, as_json: Json = False) -> None:
    """List who changed what, when and why."""
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        entries = client.audit(model, limit)
    columns = ("time", "action", "who", "why")
    lines = [[entry.get(name) for name in columns] for entry in entries]
    console.show({"audit": entries}, lambda: make_table(f"Audit log of {model}", columns, lines))


def lineage(
    prediction: Annotated[str, typer.Argument(help="Id of the prediction.", show_default=False)],
    model: Annotated[str | None, typer.Option("--model", "-m", help="Its model; default: search all models.")] = None,
    row: Annotated[int | None, typer.Option("--row", min=0, help="One row of its request, counted from 0.")] = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Show where a prediction came from: version, run, dataset, spec, code and packages, and the earlier versions.

    The answer to every request carries the prediction's id.
    """
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        names = [model] if model else [item["name"] for item in client.models(MAX_MODELS)]
        documents = (_get_lineage(client, name, prediction, row) for name in names)
        document = next((document for document in documents if document), None)
    if document is None:
        raise CommandError(
            f"no model has a prediction {prediction}", "Captures take a minute to arrive, and they expire in time"
        )
    console.show(document, lambda: lineage_view(document))


def _get_lineage(client: Client, model: str, prediction: str, row: int | None) -> Document | None:
    """Return a prediction's lineage, or None when the model has no such prediction."""
    try:
        return client.about(model, f"lineage/{prediction}", row=row)
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND and error.field != "row":
            return None
        raise


def _show_document(
    model: str,
    topic: str,
    view: Callable[[Document], RenderableType],
    stack: str | None,
    *,
    as_json: bool,
    **params: str | int | None,
) -> None:
    """Show one of a model's documents, read with these query parameters."""
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        document = client.about(model, topic, **params)
    console.show(document, lambda: view(document))
