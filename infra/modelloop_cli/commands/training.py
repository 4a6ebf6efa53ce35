"""From a table to a version: train, follow runs, retrain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelloop import clock
from modelloop.errors import NotFoundError
from modelloop.ids import check_model_name
from modelloop.versions.run import SUCCEEDED
from modelloop_cli.console import Console, Json, Limit, Model, Reason, StackName, make_table
from modelloop_cli.run_view import metric_rows, run_panel
from modelloop_client.client import Client, Document
from modelloop_client.failures import CommandError
from modelloop_client.run_progress import describe_stage, find_run, follow, is_stalled, require_success
from modelloop_client.stacks import find_stack
from modelloop_client.uploads import (
    Upload,
    check_file,
    check_reference,
    total_bytes,
    upload,
    upload_companions,
)

if TYPE_CHECKING:
    from modelloop_client.stacks import Stack

_RUN_COLUMNS = ("run", "state", "stage", "%", "version", "cause", "metric", "created", "reason")


def train(
    file: Annotated[
        Path,
        typer.Argument(help="A table (.csv, .csv.gz, .parquet, .jsonl), a folder of part files, or an .onnx model."),
    ],
    model: Annotated[str, typer.Option("--model", "-m", help="Name of the model.", show_default=False)],
    *,
    target: Annotated[str | None, typer.Option("--target", "-t", help="The column to predict.")] = None,
    spec: Annotated[Path | None, typer.Option("--spec", help="A model.yaml to upload beside the table.")] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Rows (.csv) on which an .onnx model is examined.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Follow the run until it ends.")] = True,
    force: Annotated[
        bool, typer.Option("--force", help="Upload even if the same content was uploaded before.")
    ] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Upload a table, or an ONNX model of your own, and follow the run that it starts.

    Of a folder, all files are one table, as Spark, Dask and warehouses write it.

    Next: modelloop predict MODEL FILE.
    """
    console = Console(as_json=as_json)
    check_name(model)
    check_file(file)
    check_reference(reference, file)
    deployed = find_stack(stack)
    changed = upload_companions(deployed, model, file, spec=spec, target=target, reference=reference)
    with Client(deployed) as client:
        sent = upload_table(console, client, model, file, force=force or changed)
        if not wait:
            follow_up = f"modelloop runs {model}"
            console.show(sent._asdict(), lambda: f"Uploaded to {sent.uri}; follow the run with: {follow_up}")
            return
        run = follow_upload(console, client, model, sent)
    console.show(run, lambda: run_panel(run))
    if run["state"] != SUCCEEDED:
        if as_json:
            raise typer.Exit(1)
        require_success(run)


def upload_table(console: Console, client: Client, model: str, file: Path, *, force: bool = False) -> Upload:
    """Upload with a progress bar; content that was uploaded before is sent again only if it led to no run."""
    sent = _send(console, client.stack, model, file, force=force)
    if sent.unchanged and is_stalled(client, model, sent, clock.now()):
        console.note("This content was uploaded before, but no run came of it: uploading it again.")
        return _send(console, client.stack, model, file, force=True)
    return sent


def _send(console: Console, stack: Stack, model: str, file: Path, *, force: bool) -> Upload:
    with console.progress() as bar:
        task = bar.add_task(f"Uploading {file.name}", total=total_bytes(file))
        return upload(stack, model, file, force=force, on_progress=lambda count: bar.advance(task, count))


def follow_upload(console: Console, client: Client, model: str, sent: Upload, *, patience: float = 1200.0) -> Document:
    """Follow the upload's run with a progress bar, at most `patience` seconds; return the ended run.

    When the same content was trained on before, the earlier run is returned, and a note says so.
    """
    with console.progress() as bar:
        task = bar.add_task("Waiting for the run", total=100)
        run = find_run(client, model, sent)
        earlier = run["dataset"].get("version_id") != sent.version_id or sent.unchanged
        run = follow(
            client,
            model,
            run["run_id"],
            lambda now: bar.update(task, completed=now["percent"], description=describe_stage(now)),
            patience=patience,
        )
    if earlier:
        console.note(f"This content was trained on before, by run {run['run_id']}: {run['state']}.")
    return run


def check_name(model: str) -> None:
    """Raise CommandError when no model can have this name."""
    try:
        check_model_name(model)
    except NotFoundError as error:
        raise CommandError(error.message, "For example: --model penguins") from error


def runs(
    model: Model,
    run: Annotated[str | None, typer.Argument(help="Show the run with this id in full.", show_default=False)] = None,
    limit: Limit = 20,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """List a model's runs, or show one with its metrics, gate decision and reasons."""
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if run:
            document = client.about(model, f"runs/{run}")
            console.show(document, lambda: run_panel(document))
            return
        items = client.runs(model, limit)
    console.show({"runs": items}, lambda: make_table(f"Runs of {model}", _RUN_COLUMNS, map(_run_line, items)))


def _run_line(run: Document) -> list[Any]:
    first = next(iter(metric_rows(run.get("metrics"))), None)
    metric = f"{first[0]} {first[1]:.4g}" if first and isinstance(first[1], int | float) else None
    return [
        run["run_id"], run["state"], run["stage"], run["percent"], run.get("version"), run["cause"], metric,
        run["created_at"][:19], run.get("reason"),
    ]  # fmt: skip


def retrain(model: Model, reason: Reason, stack: StackName = None, as_json: Json = False) -> None:
    """Request a new run on the latest rows and the labels that came since.

    Follow it with modelloop runs MODEL.
    """
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        answer = client.act(model, "runs", reason=reason)
    console.show(
        answer,
        lambda: (
            f"Retraining requested; follow it with: modelloop runs {model}. "
            f"If no run appears, see why with: modelloop audit {model}"
        ),
    )
