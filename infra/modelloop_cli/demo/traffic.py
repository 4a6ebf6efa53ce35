"""Requests as clients send them, and the labels that come back later."""

from __future__ import annotations

import json
import random
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelloop_client.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelloop_cli.demo.tables import Example, Row
    from modelloop_client.client import Client, Document

ROWS_A_REQUEST = 20
FEEDBACK_A_REQUEST = 200


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """A row that was sent, its prediction, and the id and row number to send its label with."""

    row: Row
    prediction: Any
    prediction_id: str
    position: int


def features(example: Example, row: Row) -> Document:
    """Return a row as a client sends it: numbers as numbers, without the target."""
    return {name: _parse(value) for name, value in row.items() if name != example.target}


def _parse(value: str | None) -> str | float | None:
    try:
        return None if value is None else float(value)
    except ValueError:
        return value


def draw(example: Example, rows: int, seed: int) -> list[Row]:
    """Return real rows, drawn with replacement."""
    return random.Random(seed).choices(example.rows(), k=rows)  # noqa: S311  traffic, not secrets


def send(
    client: Client, example: Example, rows: Sequence[Row], on_progress: Callable[[int], object]
) -> list[AnsweredRow]:
    """Predict for the rows, 20 in a request, and return the answers; `on_progress` gets each request's row count."""
    answers: list[AnsweredRow] = []
    for part in chunks(list(rows), ROWS_A_REQUEST):
        answer = client.predict(example.model, [features(example, row) for row in part])
        answers += [
            AnsweredRow(row, prediction, answer["prediction_id"], position)
            for position, (row, prediction) in enumerate(zip(part, answer["predictions"], strict=True))
        ]
        on_progress(len(part))
    return answers


def label(client: Client, example: Example, answers: Sequence[AnsweredRow]) -> int:
    """Send what was true for each answer; return how many labels were accepted."""
    items = [
        {"id": answer.prediction_id, "row": answer.position, "label": _parse(answer.row[example.target])}
        for answer in answers
        if answer.row[example.target] is not None
    ]
    return sum(client.feedback(example.model, part)["accepted"] for part in chunks(items, FEEDBACK_A_REQUEST))


def curl(client: Client, example: Example, row: Row) -> str:
    """Return the curl command that predicts one row."""
    stack = client.stack
    body = json.dumps({"dataframe_records": [features(example, row)]}, ensure_ascii=False)
    words = [
        "curl", "-sS", f"{stack.api_url}/models/{example.model}/invocations",
        "-H", f"x-api-key: {stack.api_key}", "-H", "content-type: application/json", "-d", body,
    ]  # fmt: skip
    return shlex.join(words)
