"""Asking a model, and telling it how right it was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import track

from infra.cli import rows as reading
from infra.cli.client import Client
from infra.cli.failures import CommandError
from infra.cli.options import Json, Model, StackName
from infra.cli.screen import Screen, table
from infra.cli.target import find_stack

if TYPE_CHECKING:
    from collections.abc import Sequence


def predict(
    model: Model,
    file: Annotated[
        str | None, typer.Argument(help="A CSV or JSON file; - for standard input.", show_default=False)
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="One column of one row.")
    ] = None,
    probabilities: Annotated[bool, typer.Option("--proba", help="Probabilities of each class.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Show which columns the model takes, and stop.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Predict for rows from flags, a file or standard input."""
    screen = Screen(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if schema:
            _show_schema(screen, client, model)
            return
        rows = _rows(file, pairs or [])
        parts = list(reading.chunks(rows))
        shown = track(parts, "Predicting", console=screen.notes, disable=as_json or len(parts) == 1)
        answers = [client.predict(model, part, probabilities=probabilities) for part in shown]
    lines = [
        {"id": answer.get("prediction_id"), "row": row, "prediction": prediction}
        for answer in answers
        for row, prediction in enumerate(answer["predictions"])
    ]
    columns = ("prediction id", "row", "prediction")
    screen.show(
        {"model": model, "predictions": lines},
        lambda: table(model, columns, ([line["id"], line["row"], _shown(line["prediction"])] for line in lines)),
    )


def _shown(prediction: Any) -> Any:
    if isinstance(prediction, list):
        return "  ".join(f"{part:.4f}" if isinstance(part, float) else str(part) for part in prediction)
    if isinstance(prediction, dict):
        return "  ".join(f"{name} {part}" for name, part in prediction.items())
    return prediction


def _rows(file: str | None, pairs: Sequence[str]) -> list[reading.Row]:
    if pairs and file:
        raise CommandError("rows come from --set or from a file, not both", "Leave one of them out")
    if pairs:
        return reading.from_pairs(pairs)
    if file is None and sys.stdin.isatty():
        raise CommandError("there are no rows to predict", "Give a file, --set NAME=VALUE, or rows on standard input")
    try:
        text = sys.stdin.read() if file in (None, "-") else _text(file)
    except UnicodeDecodeError as error:
        raise CommandError("the rows are not UTF-8 text", "Save the table as UTF-8 CSV") from error
    return reading.from_text(text)


def _text(file: str | None) -> str:
    with open(str(file), encoding="utf-8-sig") as opened:  # noqa: PTH123  a path, or a shell's /dev/fd
        return opened.read()


def _show_schema(screen: Screen, client: Client, model: str) -> None:
    found = client.get(f"/v2/models/{model}")
    inputs = found.get("inputs", [])
    screen.show(
        found, lambda: table(f"{model} takes", ("column", "type"), ([one["name"], one["datatype"]] for one in inputs))
    )


def feedback(
    model: Model,
    prediction: Annotated[str | None, typer.Argument(help="The prediction's id.", show_default=False)] = None,
    label: Annotated[str | None, typer.Argument(help="What was true.", show_default=False)] = None,
    row: Annotated[int, typer.Option(help="The row inside the request.", min=0)] = 0,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="A CSV or JSON file of id, row, label.")] = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Tell what was true for predictions made earlier."""
    screen = Screen(as_json=as_json)
    items = _labels(prediction, label, row, file)
    with Client(find_stack(stack)) as client:
        answers = [client.feedback(model, part) for part in reading.chunks(items)]
    accepted = sum(answer.get("accepted", 0) for answer in answers)
    screen.show({"accepted": accepted, "sent": len(items)}, lambda: f"{accepted} of {len(items)} labels accepted")


def _labels(prediction: str | None, label: str | None, row: int, file: Path | None) -> list[reading.Row]:
    if file is None:
        if prediction is None or label is None:
            raise CommandError("a label needs a prediction", "modelloop feedback MODEL ID LABEL, or --file FILE")
        return [{"id": prediction, "row": row, "label": _typed(label)}]
    items = reading.from_text(file.read_text(encoding="utf-8-sig"))
    for line, item in enumerate(items, 1):
        if not item.get("id") or item.get("label") in (None, ""):
            raise CommandError(f"label {line} has no id or no label", "Columns: id, row (default 0), label")
        item["row"] = int(item.get("row") or 0)
        item["label"] = _typed(item["label"])
    return items


def _typed(label: Any) -> Any:
    if not isinstance(label, str):
        return label
    try:
        return float(label) if label.strip().lower() not in {"nan", "inf", "-inf", "infinity", "-infinity"} else label
    except ValueError:
        return label
