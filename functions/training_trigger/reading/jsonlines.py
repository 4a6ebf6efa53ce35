"""JSON Lines as CSV of canonical text, so that one path reads both: each cell becomes the text the grammar gives it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import orjson

from modelloop.errors import DatasetRejectedError, InvalidValueError
from modelloop.grammar import MISSING_TOKENS, read_text
from training_trigger.reading.dialect import MOST_COLUMNS, Dialect, check_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MISSING = frozenset(MISSING_TOKENS)


def flatten(source: Path, sink: Path) -> tuple[Dialect, set[str]]:
    """Write a JSON Lines file as CSV; return its dialect and the columns that hold lists or objects.

    Raises DatasetRejectedError, with the line, for anything but one object a line.
    """
    names: dict[str, None] = {}
    for document in _documents(source):
        names.update(dict.fromkeys(document))
        if len(names) > MOST_COLUMNS:
            break
    columns = check_columns(list(names))
    nested: set[str] = set()
    with sink.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for document in _documents(source):
            writer.writerow([_cell(name, document.get(name), nested) for name in names])
    return Dialect(",", columns=columns), nested


def _documents(source: Path) -> Iterator[dict[str, Any]]:
    with source.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _document(number, line)


def _document(number: int, line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise DatasetRejectedError(
            f"line {number} is not JSON ({error.msg}): JSON Lines has one object on each line", row=number
        ) from error
    if not isinstance(document, dict):
        raise DatasetRejectedError(
            f'line {number} is not an object: JSON Lines has one object, such as {{"age": 31}}, on each line',
            row=number,
        )
    return document


def _cell(name: str, value: object, nested: set[str]) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return read_text(value, _MISSING)
    except InvalidValueError:
        nested.add(name)
        return None
