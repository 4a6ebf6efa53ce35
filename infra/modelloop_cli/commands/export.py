"""Files for tools that read SageMaker's layouts: captures with their labels, or a version's baseline."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from modelloop import clock
from modelloop.ids import check_model_name
from modelloop_cli import captured
from modelloop_cli.exporting import baseline
from modelloop_cli.options import Json, Model, StackName
from modelloop_cli.screen import Screen
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.target import find_stack

DEFAULT_HOURS = 24


class What(StrEnum):
    """What can be exported."""

    CAPTURES = "captures"
    BASELINE = "baseline"


def export(
    what: Annotated[What, typer.Argument(help="captures, or baseline.", show_default=False)],
    model: Model,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write to.", show_default=False)],
    version: Annotated[int | None, typer.Option(min=1, help="Whose baseline; default: the champion's.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Captures from this time (ISO 8601, UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Captures before this time (ISO 8601, UTC).")] = None,
    probabilities: Annotated[bool, typer.Option("--proba", help="Also probabilities; no baseline knows them.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Write captures (SageMaker Data Capture) or a baseline (Model Monitor) as files."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if what is What.CAPTURES:
            counted = captured.export(client, check_model_name(model), _span(start, end), out, scores=probabilities)
            told: dict[str, Any] = {
                name: counted[name] for name in ("files", "rows", "labels", "rows_without_features")
            }
        else:
            told = {"version": _write_baseline(client, model, version, out), "files": 2}
    screen.show({"out": str(out), **told}, lambda: _sentence(out, told))


def _sentence(out: Path, told: dict[str, Any]) -> str:
    return f"[bold]{out}[/]: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())


def _span(start: str | None, end: str | None) -> captured.Span:
    now = clock.now()
    span = captured.Span(
        _moment(start) if start else clock.later(now, minutes=-DEFAULT_HOURS * 60), _moment(end) if end else now
    )
    if span.start >= span.end:
        raise CommandError(f"{span.start} does not come before {span.end}", "Mend --from and --to")
    return span


def _moment(text: str) -> str:
    try:
        return clock.from_ms(clock.to_ms(text))
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{text!r} is not a moment", "For example: --from 2026-01-31T12:00:00Z") from error


def _write_baseline(client: Client, model: str, version: int | None, out: Path) -> int:
    number = version or client.get(f"/models/{check_model_name(model)}").get("champion")
    if number is None:
        raise CommandError(f"model {model!r} has no champion", "Name a version: --version 1")
    manifest = client.version(model, number)
    documents = {
        "statistics.json": baseline.statistics(manifest),
        "constraints.json": baseline.constraints(manifest),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        (out / name).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return int(number)
