"""Predictions, and the labels that come back for them."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelloop.ids import hour_of
from modelloop_cli.console import Console, Json, Model, StackName, count_noun, make_table
from modelloop_client.client import Client
from modelloop_client.failures import CommandError
from modelloop_client.rows import CHUNK, Row, chunks, from_pairs, read_rows
from modelloop_client.stacks import find_stack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelloop_client.client import Document

HOURS_A_REQUEST = 200
MAX_EXAMPLES = 5
_PER_ROW = {"intervals": "interval", "explanations": "explanation"}  # fields of an answer with a value for each row


def predict(
    model: Model,
    file: Annotated[
        str | None,
        typer.Argument(help="A CSV, JSON or Parquet file; - for standard input.", show_default=False),
    ] = None,
    *,
    pairs: Annotated[
        list[str] | None, typer.Option("--set", "-s", metavar="NAME=VALUE", help="One column of one row.")
    ] = None,
    probabilities: Annotated[bool, typer.Option("--proba", help="Return the probability of each class.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Also show what each column contributed.")] = False,
    shap: Annotated[bool, typer.Option("--shap", help="Do so by SHAP values, which take longer.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(help="Also show the interval that holds the truth with this probability, such as 0.9."),
    ] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Only show the columns that the model takes.")] = False,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Predict for rows from --set options, a file or standard input.

    See which columns a model takes with --schema. Send what was true later with modelloop feedback.
    """
    console = Console(as_json=as_json)
    with Client(find_stack(stack)) as client:
        if schema:
            _show_schema(console, client, model)
            return
        rows = _read_rows(file, pairs or [])
        params = _params(probabilities=probabilities, explain="shap" if shap else explain, interval=interval)
        answers = _request_predictions(console, client, model, rows, params)
    _note_unseen(console, answers)
    lines = [line for answer in answers for line in _lines(answer)]
    columns = list(dict.fromkeys(name for line in lines for name in line))
    cells = ([_format(line.get(name)) for name in columns] for line in lines)
    console.show({"model": model, "predictions": lines}, lambda: make_table(model, columns, cells))


def _request_predictions(
    console: Console, client: Client, model: str, rows: Sequence[Row], params: dict[str, Any]
) -> list[Document]:
    answers = []
    with console.progress() as bar:
        task = bar.add_task("Predicting", total=len(rows), visible=len(rows) > CHUNK)
        for part in chunks(rows):
            answers.append(client.predict(model, part, params))
            bar.advance(task, len(part))
    return answers


def _note_unseen(console: Console, answers: Sequence[Document]) -> None:
    """Say in how many rows a column holds a category that the model has not learned."""
    unseen: Counter[str] = Counter()
    for answer in answers:
        unseen.update(answer.get("parameters", {}).get("unseen", {}))
    for column, rows in unseen.items():
        console.note(f"{column}: {count_noun(rows, 'row')} with a category that the model has not learned")


def _params(*, probabilities: bool, explain: bool | str, interval: float | None) -> dict[str, Any]:
    params = {"predict_method": "predict_proba" if probabilities else None, "explain": explain or None}
    return {name: value for name, value in {**params, "interval": interval}.items() if value is not None}


def _lines(answer: Document) -> Iterator[dict[str, Any]]:
    """Yield a line for each row of an answer: id, row, prediction, and what else was asked for."""
    extras = {singular: answer[plural] for plural, singular in _PER_ROW.items() if plural in answer}
    for row, prediction in enumerate(answer["predictions"]):
        line = {"id": answer.get("prediction_id"), "row": row, "prediction": prediction}
        if isinstance(prediction, list) and answer.get("classes"):
            line["prediction"] = dict(zip(map(str, answer["classes"]), prediction, strict=True))
        yield line | {name: values[row] for name, values in extras.items()}


def _format(value: Any) -> Any:
    """Return a value as a cell shows it: an interval as `a to b`, probabilities and contributions by name."""
    if isinstance(value, list):
        return " to ".join(str(_format(part)) for part in value)
    if isinstance(value, dict):
        parts = value.get("contributions", value)
        return "  ".join(f"{name} {_format(part)}" for name, part in parts.items())
    return f"{value:.4g}" if isinstance(value, float) else value


def _read_rows(file: str | None, pairs: Sequence[str]) -> list[Row]:
    if pairs and file:
        raise CommandError("rows come from --set or from a file, not both", "Leave one of them out")
    if pairs:
        return from_pairs(pairs)
    if file is None and sys.stdin.isatty():
        raise CommandError("there are no rows to predict", "Give a file, --set NAME=VALUE, or rows on standard input")
    return read_rows(file or "-")


def _show_schema(console: Console, client: Client, model: str) -> None:
    schema = client.schema(model)
    lines = [[column["name"], column["datatype"]] for column in schema.get("inputs", [])]
    console.show(schema, lambda: make_table(f"Columns of {model}", ("column", "type"), lines))


def feedback(
    model: Model,
    prediction: Annotated[str | None, typer.Argument(help="Id of the prediction.", show_default=False)] = None,
    label: Annotated[str | None, typer.Argument(help="What was true.", show_default=False)] = None,
    row: Annotated[int, typer.Option(help="The row of the request, counted from 0.", min=0)] = 0,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A CSV or JSON file with columns id, row and label.")
    ] = None,
    stack: StackName = None,
    as_json: Json = False,
) -> None:
    """Send what was true for earlier predictions.

    See the resulting quality with modelloop quality; labels count after the stack's label delay.
    """
    console = Console(as_json=as_json)
    labels = _read_labels(prediction, label, row, file)
    with Client(find_stack(stack)) as client:
        answers = [client.feedback(model, part) for part in _parts(labels)]
    taken = _sum(answers) | {"sent": len(labels)}
    console.show(taken, lambda: "\n".join(_told(taken)))


def _parts(labels: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the labels in requests that the API takes: in the order of their predictions, which bounds the hours."""
    part: list[Row] = []
    hours: set[str | None] = set()
    for item in sorted(labels, key=lambda label: str(label["id"])):
        hour = hour_of(str(item["id"]))
        if len(part) == CHUNK or (len(hours) == HOURS_A_REQUEST and hour not in hours):
            yield part
            part, hours = [], set()
        part.append(item)
        hours.add(hour)
    yield part


def _sum(answers: Sequence[Document]) -> Document:
    """Return what became of all labels; `new_class` is null when no request's labels were compared with the classes."""
    compared = [answer["new_class"] for answer in answers if answer.get("new_class") is not None]
    return {
        "accepted": sum(answer.get("accepted", 0) for answer in answers),
        "unreadable": sum(answer.get("unreadable", 0) for answer in answers),
        "new_class": sum(compared) if compared else None,
        "examples": [example for answer in answers for example in answer.get("examples", ())][:MAX_EXAMPLES],
    }


def _told(taken: Document) -> Iterator[str]:
    yield f"{taken['accepted']} of {taken['sent']} labels accepted"
    if taken["unreadable"]:
        yield f"{taken['unreadable']} cannot be read and were refused"
    if taken["new_class"]:
        yield f"{taken['new_class']} name no class of the model, and do not count until it has learned them"
    for example in taken["examples"]:
        what = "new class" if example["outcome"] == "new_class" else "unreadable"
        yield f"  {what}: {example['label']!r} for row {example['row']} of {example['id']}"


def _read_labels(prediction: str | None, label: str | None, row: int, file: Path | None) -> list[Row]:
    """Return the items to send: `id`, `row` and `label` each."""
    if file is None:
        if prediction is None or label is None:
            raise CommandError("a label needs a prediction", "modelloop feedback MODEL ID LABEL, or --file FILE")
        return [{"id": prediction, "row": row, "label": label}]
    items = read_rows(str(file))
    return [_read_label(number, item) for number, item in enumerate(items, 1)]


def _read_label(number: int, item: Row) -> Row:
    if not item.get("id") or item.get("label") in (None, ""):
        raise CommandError(f"label {number} has no id or no label", "Columns: id, row (default 0), label")
    try:
        return item | {"row": int(item.get("row") or 0)}
    except (TypeError, ValueError) as error:
        advice = "Rows of a request are counted from 0"
        raise CommandError(f"label {number}: row {item['row']!r} is not a whole number", advice) from error
