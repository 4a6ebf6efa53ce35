"""Asking a model, and telling it how right it was."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelloop.tables.grammar import NUMBER
from modelloop_cli.options import Json, Model, StackName
from modelloop_cli.screen import Screen, table
from modelloop_client import rows as reading
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.target import find_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def predict(
    model: Model,
    file: Annotated[
        str | None, typer.Argument(help="A CSV or JSON file; - for standard input.", show_default=False)
    ] = None,
    *,
    pairs: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="One column of one row.")
    ] = None,
    probabilities: Annotated[bool, typer.Option("--proba", help="Probabilities of each class.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="What each column contributed.")] = False,
    interval: Annotated[
        float | None, typer.Option(help="Also the interval that holds the truth this often, such as 0.9.")
    ] = None,
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
        params = _params(probabilities=probabilities, explain=explain, interval=interval)
        answers = _ask(screen, client, model, rows, params)
    lines = [line for answer in answers for line in _lines(answer)]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    screen.show(
        {"model": model, "predictions": lines},
        lambda: table(model, columns, ([_shown(line.get(name)) for name in columns] for line in lines)),
    )


def _ask(
    screen: Screen, client: Client, model: str, rows: Sequence[reading.Row], params: dict[str, Any]
) -> list[dict[str, Any]]:
    answers = []
    with screen.progress() as bar:
        task = bar.add_task("Predicting", total=len(rows), visible=len(rows) > reading.CHUNK)
        for part in reading.chunks(rows):
            answers.append(client.predict(model, part, params))
            bar.advance(task, len(part))
    return answers


def _params(*, probabilities: bool, explain: bool, interval: float | None) -> dict[str, Any]:
    asked = {"predict_method": "predict_proba" if probabilities else None, "explain": explain or None}
    return {name: value for name, value in {**asked, "interval": interval}.items() if value is not None}


def _lines(answer: dict[str, Any]) -> Iterator[dict[str, Any]]:
    extras = {one: answer[many] for many, one in _PER_ROW.items() if many in answer}
    for row, prediction in enumerate(answer["predictions"]):
        line = {"id": answer.get("prediction_id"), "row": row, "prediction": prediction}
        if isinstance(prediction, list) and answer.get("classes"):
            line["prediction"] = dict(zip(map(str, answer["classes"]), prediction, strict=True))
        yield line | {name: values[row] for name, values in extras.items()}


_PER_ROW = {"intervals": "interval", "explanations": "explanation"}


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return " to ".join(str(_shown(part)) for part in value)
    if isinstance(value, dict):
        parts = value.get("contributions", value)
        return "  ".join(f"{name} {_shown(part)}" for name, part in parts.items())
    return f"{value:.4g}" if isinstance(value, float) else value


def _rows(file: str | None, pairs: Sequence[str]) -> list[reading.Row]:
    if pairs and file:
        raise CommandError("rows come from --set or from a file, not both", "Leave one of them out")
    if pairs:
        return reading.from_pairs(pairs)
    if file is None and sys.stdin.isatty():
        raise CommandError("there are no rows to predict", "Give a file, --set NAME=VALUE, or rows on standard input")
    return reading.from_text(reading.read_text(file or "-"))


def _show_schema(screen: Screen, client: Client, model: str) -> None:
    found = client.schema(model)
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
    items = reading.from_text(reading.read_text(str(file)))
    return [_label(number, item) for number, item in enumerate(items, 1)]


def _label(number: int, item: reading.Row) -> reading.Row:
    if not item.get("id") or item.get("label") in (None, ""):
        raise CommandError(f"label {number} has no id or no label", "Columns: id, row (default 0), label")
    try:
        return item | {"row": int(item.get("row") or 0), "label": _typed(item["label"])}
    except (TypeError, ValueError) as error:
        advice = "The row counts from 0 inside the request"
        raise CommandError(f"label {number}: row {item['row']!r} is no whole number", advice) from error


def _typed(label: Any) -> Any:
    """Read a label as the table's own cells are read: numbers by the one grammar, the rest as text."""
    if not isinstance(label, str) or not NUMBER.fullmatch(label.strip()):
        return label
    number = float(label)
    return int(number) if number.is_integer() else number
