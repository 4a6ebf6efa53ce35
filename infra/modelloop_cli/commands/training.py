"""From a table to a version: train, and the runs there were."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelloop.errors import NotFoundError
from modelloop.ids import check_model_name
from modelloop.versions.run import SUCCEEDED
from modelloop_cli.options import Json, Limit, Model, Reason, StackName
from modelloop_cli.reports import metric_rows, run_panel
from modelloop_cli.screen import Screen, table
from modelloop_client.client import Client, Document
from modelloop_client.failures import CommandError
from modelloop_client.following import find_run, follow, is_stalled, require_success, stage
from modelloop_client.target import find_stack
from modelloop_client.uploads import Upload, accompany, check_file, check_reference, upload

if TYPE_CHECKING:
    from modelloop_client.target import Stack


def train(
    file: Annotated[Path, typer.Argument(help="A table (.csv, .csv.gz, .parquet, .jsonl) or an .onnx model.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The model's name.", show_default=False)],
    *,
    target: Annotated[str | None, typer.Option("--target", "-t", help="The column to predict.")] = None,
    spec: Annotated[Path | None, typer.Option("--spec", help="A model.yaml to put beside the table.")] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="Rows (.csv) that an .onnx model is examined on.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Follow the run to its end.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Upload even when the same content is there.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Upload a table, or a model of your own, and follow the run that trains on it or examines it."""
    screen = Screen(as_json=as_json)
    check_name(model)
    check_file(file)
    check_reference(reference, file)
    deployed = find_stack(stack)
    changed = accompany(deployed, model, file, spec=spec, target=target, reference=reference)
    with Client(deployed) as client:
        sent = deliver(screen, client, model, file, force=force or changed)
        if not wait:
            screen.show(sent._asdict(), lambda: f"Uploaded {sent.uri}; follow with: modelloop runs {model}")
            return
        run = watch(screen, client, model, sent)
    screen.show(run, lambda: run_panel(run))
    if run["state"] != SUCCEEDED:
        if as_json:
            raise typer.Exit(1)
        require_success(run)


def deliver(screen: Screen, client: Client, model: str, file: Path, *, force: bool = False) -> Upload:
    """Upload with a progress bar; content that is there already is sent again only if nothing came of it."""
    sent = _send(screen, client.stack, model, file, force=force)
    if sent.unchanged and is_stalled(client, model, sent, datetime.now(UTC)):
        screen.note("This content is there, but nothing came of it: it is sent again.")
        return _send(screen, client.stack, model, file, force=True)
    return sent


def _send(screen: Screen, place: Stack, model: str, file: Path, *, force: bool) -> Upload:
    with screen.progress() as bar:
        task = bar.add_task(f"Uploading {file.name}", total=file.stat().st_size)
        return upload(place, model, file, force=force, moved=lambda sent: bar.advance(task, sent))


def watch(screen: Screen, client: Client, model: str, sent: Upload, *, patience: float = 1200.0) -> Document:
    """Follow the upload's run with a progress bar; an earlier run of the same content is reported as that."""
    with screen.progress() as bar:
        task = bar.add_task("Waiting for the run", total=100)
        run = find_run(client, model, sent)
        before = run["dataset"].get("version_id") != sent.version_id or sent.unchanged
        run = follow(
            client,
            model,
            run["run_id"],
            lambda now: bar.update(task, completed=now["percent"], description=stage(now)),
            patience=patience,
        )
    if before:
        screen.note(f"This content was trained on before: run {run['run_id']}, {run['state']}.")
    return run


def check_name(model: str) -> None:
    """Raise CommandError when no model can have this name."""
    try:
        check_model_name(model)
    except NotFoundError as error:
        raise CommandError(error.message, "For example: --model penguins") from error


def runs(
    model: Model,
    run: Annotated[str | None, typer.Argument(help="One run's id, for its detail.", show_default=False)] = None,
    limit: Limit = 20,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """List a model's runs, or show one with its reasons, gate and metrics."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if run:
            one = client.about(model, f"runs/{run}")
            screen.show(one, lambda: run_panel(one))
            return
        found = client.runs(model, limit)
    screen.show({"runs": found}, lambda: table(f"Runs of {model}", _RUN_COLUMNS, map(_run_line, found)))


_RUN_COLUMNS = ("run", "state", "stage", "%", "version", "cause", "metric", "created", "reason")


def _run_line(run: Document) -> list[Any]:
    first = next(iter(metric_rows(run.get("metrics"))), None)
    metric = f"{first[0]} {first[1]:.4g}" if first and isinstance(first[1], int | float) else None
    return [
        run["run_id"], run["state"], run["stage"], run["percent"], run.get("version"), run["cause"], metric,
        run["created_at"][:19], run.get("reason"),
    ]  # fmt: skip


def retrain(model: Model, reason: Reason, stack: StackName = None, as_json: Json = False) -> None:
    """Ask for a new run on the latest rows and the labels that came since."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        answer = client.act(model, "runs", reason=reason)
    screen.show(
        answer,
        lambda: f"Asked for; follow with: modelloop runs {model}, or modelloop audit {model} when there is nothing new",
    )
