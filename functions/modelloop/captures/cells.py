"""Whether the lists of sound predictions fit their version: one entry a row, of the kinds that it expects.

Counting turns them into numbers with the same functions; exports ask `misfit` alone, which needs no numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, compress
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop.captures.rules import NUMBERS
from modelloop.errors import InvalidValueError
from modelloop.tables.grammar import label_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.captures.reader import Predictions
    from modelloop.contracts.capture_record import Cell
    from modelloop.contracts.manifest import Manifest

MAX_SHARE = 1e12  # of a probability: in millionths it is still a 64-bit integer
NUMBER, BOOLEAN, DATE, TEXT, LABEL = "number", "boolean", "date", "text", "label"
_PREDICTION = "prediction"  # its name in a baseline
_LIST = frozenset({list})
_SCALARS = frozenset({str, int, float, bool, type(None)})
_TYPES = {
    NUMBER: frozenset({int, float, type(None)}),
    BOOLEAN: frozenset({bool, type(None)}),
    DATE: frozenset({str, type(None)}),
    TEXT: frozenset({str, type(None)}),
    LABEL: _SCALARS,
}


class ExpectedColumn(NamedTuple):
    """A column that a version watches, or its prediction; `kind` is number, boolean, date, text or label."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class ExpectedColumns:
    """What a version says of the lists in its captures; slices are protected columns, which the index keeps."""

    columns: tuple[ExpectedColumn, ...] = ()
    prediction: ExpectedColumn | None = None
    classes: int = 0
    slices: tuple[str, ...] = ()


def expected_column(name: str, kind: str) -> ExpectedColumn:
    """Return a column of a baseline; text predictions are labels, which may also be numbers and booleans."""
    return ExpectedColumn(name, LABEL if (name, kind) == (_PREDICTION, TEXT) else kind)


def expected_columns(manifest: Manifest) -> ExpectedColumns:
    """Return what a version's manifest says of its captures."""
    baseline, spec = manifest.baseline, manifest.spec
    return ExpectedColumns(
        columns=tuple(expected_column(column.name, column.kind) for column in baseline.columns),
        prediction=expected_column(baseline.prediction.name, baseline.prediction.kind),
        classes=len(manifest.classes or ()),
        slices=tuple(name for name in spec.protected if name not in spec.mask),
    )


def misfit(predictions: Predictions, expected: ExpectedColumns) -> str | None:
    """Return why predictions of one version do not fit it, None when all do."""
    try:
        labels = scalars("predict", predictions.predict, predictions.rows)
        captured = [cells for cells in predictions.columns if cells is not None]
        rows = [rows for cells, rows in zip(predictions.columns, predictions.rows, strict=True) if cells is not None]
        for column in expected.columns:
            lists, sizes = column_lists(captured, rows, column.name)
            read_cells(column, one_a_row(f"column {column.name!r}", lists, sizes))
        for name in expected.slices:
            scalars(f"column {name!r}", *column_lists(captured, rows, name))
        if expected.prediction:
            read_cells(expected.prediction, labels)
        if expected.classes:
            shares = probabilities(predictions.proba, predictions.rows, expected.classes)
            check_shares(max(map(abs, shares), default=0.0))
    except InvalidValueError as error:
        return error.message
    return None


def are_one_a_row(predictions: Predictions, at: int) -> bool:
    """Return whether answers, probabilities and all columns of one record are lists of one entry a row."""
    proba, columns = predictions.proba[at], predictions.columns[at] or {}
    lists = [predictions.predict[at], *([] if proba is None else [proba]), *columns.values()]
    return all(type(cells) is list and len(cells) == predictions.rows[at] for cells in lists)


def read_cells(column: ExpectedColumn, cells: list[Any]) -> list[Any]:
    """Return checked cells: dates as day numbers, labels as texts, others as they are; None for missing.

    Raises InvalidValueError when a cell is not of the column's kind.
    """
    wrong = f"column {column.name!r} holds a cell of a wrong type"
    if not _TYPES[column.kind].issuperset(map(type, cells)):
        raise InvalidValueError(wrong)
    if column.kind != DATE:
        return _label_texts(cells) if column.kind == LABEL else cells
    try:
        return [None if cell is None else day_number(cell[:10]) for cell in cells]
    except ValueError as error:
        raise InvalidValueError(wrong) from error


@lru_cache(10_000)
def day_number(day: str) -> float:
    """Return the ordinal of a day (YYYY-MM-DD); raise ValueError when it is none."""
    return float(date.fromisoformat(day).toordinal())


def column_lists(
    captured: Sequence[dict[str, list[Cell]]], rows: Sequence[int], name: str
) -> tuple[list[Any], Sequence[int]]:
    """Return a column's lists of cells, one a record that has it, and how many rows each of these records has."""
    try:
        return [cells[name] for cells in captured], rows
    except KeyError:
        having = [name in cells for cells in captured]
        return [cells[name] for cells in compress(captured, having)], list(compress(rows, having))


def one_a_row(what: str, lists: Sequence[Any], sizes: Sequence[int]) -> list[Any]:
    """Return the cells of all lists, one after the other; raise InvalidValueError when one has not one a row."""
    cells = _flatten(lists, sizes)
    if cells is None:
        raise InvalidValueError(f"{what} does not have one cell a row")
    return cells


def scalars(what: str, lists: Sequence[Any], sizes: Sequence[int]) -> list[Any]:
    """Return the cells of all lists; raise InvalidValueError when one is a list or an object, or not one a row."""
    cells = one_a_row(what, lists, sizes)
    if not _SCALARS.issuperset(map(type, cells)):
        raise InvalidValueError(f"{what} holds a cell of a wrong type")
    return cells


def probabilities(tables: Sequence[list[list[float]] | None], sizes: Sequence[int], classes: int) -> list[float]:
    """Return the probabilities of the rows that have some, row by row; raise InvalidValueError for other shapes."""
    having = [(table, rows) for table, rows in zip(tables, sizes, strict=True) if table is not None]
    rows = _flatten([table for table, _ in having], [size for _, size in having])
    shares = None if rows is None else _flatten(rows, [classes] * len(rows))
    if shares is None or not NUMBERS.issuperset(map(type, shares)):
        raise InvalidValueError("proba is not one probability a class a row")
    return shares


def check_shares(largest: float) -> None:
    """Raise InvalidValueError when the largest absolute probability is too large to be counted."""
    if largest >= MAX_SHARE:
        raise InvalidValueError("proba is not one probability a class a row")


def _label_texts(cells: list[Any]) -> list[str]:
    """Return labels as texts; few are different, and only equal texts are sure to be the same label (1 is not true)."""
    if set(map(type, cells)) == {str}:
        texts = {cell: label_text(cell) for cell in set(cells)}
        return [texts[cell] for cell in cells]
    return [label_text(cell) for cell in cells]


def _flatten(lists: Sequence[Any], sizes: Sequence[int]) -> list[Any] | None:
    """Return what is in all lists, one after the other; None when one of them is no list, or not of its size."""
    if not _LIST.issuperset(map(type, lists)):
        return None
    if sizes.count(1) == len(sizes):  # the usual case, a row a request, has a quicker way
        try:
            return [cell for (cell,) in lists]
        except ValueError:
            return None
    return list(chain.from_iterable(lists)) if list(map(len, lists)) == list(sizes) else None
