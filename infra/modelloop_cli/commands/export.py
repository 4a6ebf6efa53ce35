"""Export files in SageMaker's layouts: captures with their labels, or a version's baseline."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from modelloop import clock
from modelloop.contracts.manifest import manifest_from_json
from modelloop.ids import check_model_name
from modelloop_cli import captured
from modelloop_cli.console import Console, Json, Model, StackName, count_noun
from modelloop_cli.exporting import baseline
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.stacks import find_stack

DEFAULT_HOURS = 24


class What(StrEnum):
    """What can be exported."""

    CAPTURES = "captures"
    BASELINE = "baseline"


def export(
    what: Annotated[What, typer.Argument(help="captures or baseline.", show_default=False)],
    model: Model,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.", show_default=False)],
    version: Annotated[int | None, typer.Option(min=1, help="Version of the baseline; default: the champion.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Captures from this time (ISO 8601, UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Captures before this time (ISO 8601, UTC).")] = None,
    probabilities: Annotated[
        bool, typer.Option("--proba", help="Also export probabilities; baselines have no such columns.")
    ] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Write captures (SageMaker Data Capture) or a baseline (Model Monitor) as files.

    The stack is not changed. Your own AWS identity must be allowed to read the capture bucket.
    """
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if what is What.CAPTURES:
            counts = captured.export(client, check_model_name(model), _span(start, end), out, scores=probabilities)
            result = {name: counts[name] for name in ("files", "rows", "labels", "rows_without_features")}
        else:
            result = {"version": _write_baseline(client, model, version, out), "files": 2}
    console.show({"out": str(out), **result}, lambda: f"Wrote to [bold]{out}[/]: {_describe(result)}")


def _describe(result: dict[str, int]) -> str:
    if "version" in result:
        return f"baseline of version {result['version']}, {count_noun(result['files'], 'file')}"
    parts = [count_noun(result[name], name.removesuffix("s")) for name in ("files", "rows", "labels")]
    return f"{', '.join(parts)}, {count_noun(result['rows_without_features'], 'row')} without features"


def _span(start: str | None, end: str | None) -> captured.Span:
    now = clock.now()
    span = captured.Span(
        _parse_time(start) if start else clock.later(now, minutes=-DEFAULT_HOURS * 60),
        _parse_time(end) if end else now,
    )
    if span.start >= span.end:
        raise CommandError(f"--from ({span.start}) must be before --to ({span.end})", "Correct one of them")
    return span


def _parse_time(text: str) -> str:
    try:
        return clock.from_ms(clock.to_ms(text))
    except (ValueError, OverflowError) as error:
        raise CommandError(f"{text!r} is not a time", "For example: --from 2026-01-31T12:00:00Z") from error


def _write_baseline(client: Client, model: str, version: int | None, out: Path) -> int:
    """Write statistics.json and constraints.json of a version, by default the champion; return its number."""
    number = version or client.get(f"/models/{check_model_name(model)}").get("champion")
    if number is None:
        raise CommandError(f"model {model!r} has no champion", "Name a version: --version 1")
    manifest = manifest_from_json(client.version(model, number))
    documents = {
        "statistics.json": baseline.statistics(manifest),
        "constraints.json": baseline.constraints(manifest),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        (out / name).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return int(number)
