"""The reference table of an imported model: rows that show usual values and, with labels, how good the model is."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError, InvalidValueError
from modelloop.tables import split
from modelloop.tables.grammar import read_number, read_text
from training_trigger import engine, slices
from training_trigger.reading import dialect, plaintext
from training_trigger.reading.load import load
from training_trigger.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from modelloop.spec.model import Spec
    from modelloop.tables.encoding import Encoding
    from modelloop.versions.prepared_table import SliceLabels

MAX_ROWS = 100_000
NAME = "reference.csv"
PLACE = "#"
ABSENT = (
    f"the model has no {NAME}: there is no baseline for drift and no test of quality. Put one beside the model, with "
    "its columns and the label that `target` in model.yaml names, and upload the model again"
)


type Array = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int16] | NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Reference:
    """Its files by name, the number of rows, the labels of its slices, and the warnings."""

    files: dict[str, Path] = field(default_factory=dict)
    rows: int = 0
    slices: list[SliceLabels] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read(path: Path, model: str, spec: Spec, encoding: Encoding, task: str) -> Reference:
    """Return the encoded reference table, with labels where it has the target; an empty one when there is no file.

    Of more than 100,000 rows an even sample is kept. Raises DatasetRejectedError, which names the place, for what
    cannot be read.
    """
    if not path.exists():
        return Reference(warnings=[ABSENT])
    columns, total, guess = _read(path, split.salt(model))
    rows = len(next(iter(columns.values())))
    warnings = [f"{NAME}: {guess}"] if guess else []
    warnings += [f"{rows:,} of the {total:,} rows of {NAME} are used, drawn evenly"] if total > rows else []
    matrix = _encoded(columns, rows, encoding)
    sides = split.of_reference(matrix, task, split.salt(model))
    arrays: dict[str, Array] = {"matrix.npy": matrix, "membership.npy": sides}
    if spec.target is None:
        warnings.append(f"no `target` in model.yaml names the label in {NAME}: the model's quality cannot be measured")
    elif spec.target not in columns:
        raise spec.refuse("target", f"{NAME} has no column {spec.target!r}")
    else:
        arrays["target.npy"] = _labels(columns[spec.target], spec)
    sliced = _slices(path, columns, rows, spec, encoding)
    if sliced is not None:
        arrays["slices.npy"] = sliced[1]
    files = {name: path.with_name(name) for name in arrays}
    for name, array in arrays.items():
        np.save(files[name], array)
    return Reference(files, rows, sliced[0] if sliced else [], warnings)


def _read(path: Path, salt: str) -> tuple[dict[str, list[str]], int, str | None]:
    """Return the cells of at most 100,000 rows by column, the number of rows, and a warning for a guessed encoding."""
    try:
        text, guess = plaintext.decode(path, path.with_suffix(".utf8"))
        style = dialect.detect(text)
    except DatasetRejectedError as error:
        raise DatasetRejectedError(f"{NAME}: {error.message}", row=error.row) from error
    with text.open(encoding="utf-8", newline="") as stream:
        for _ in range(style.skip):
            stream.readline()
        lines = (row for row in style.rows(stream) if row)
        try:
            next(lines, None)
            rows, total = _sampled(lines, len(style.columns), Random(salt))  # noqa: S311  an even sample, no secret
        except csv.Error as error:
            raise DatasetRejectedError(f"{NAME} cannot be read: {error}") from error
    if not rows:
        raise DatasetRejectedError(f"{NAME} has no rows; its header names {len(style.columns)} columns")
    return dict(zip(style.columns, map(list, zip(*rows, strict=True)), strict=True)), total, guess


def _sampled(lines: Iterator[list[str]], width: int, chance: Random) -> tuple[list[list[str]], int]:
    """Return an even sample of rows in their order (Vitter's algorithm R, 1985), and how many there were."""
    kept: list[tuple[int, list[str]]] = []
    total = 0
    for total, row in enumerate(lines, 1):
        if len(row) != width:
            raise DatasetRejectedError(f"{NAME}: row {total} has {len(row)} values; its header names {width} columns")
        if total <= MAX_ROWS:
            kept.append((total, row))
        elif (place := chance.randrange(total)) < MAX_ROWS:
            kept[place] = (total, row)
    return [row for _, row in sorted(kept, key=lambda numbered: numbered[0])], total


def _encoded(columns: dict[str, list[str]], rows: int, encoding: Encoding) -> NDArray[np.float32]:
    try:
        table = encoding.read(rows, columns)
    except InvalidValueError as error:
        place = f" in row {error.row + 1}" if error.row is not None else ""
        raise DatasetRejectedError(f"{NAME}, column {error.field!r}{place}: {error.message}") from error
    return np.array(table.vectors, np.float32).reshape(rows, len(encoding.slots))


def _labels(cells: list[str], spec: Spec) -> NDArray[np.float64]:
    """Return the label of every row, NaN where it is missing."""
    missing = frozenset(spec.missing) - {label for label in spec.classes if isinstance(label, str)}
    try:
        if not spec.classes:
            numbers = [read_number(cell, missing) for cell in cells]
            return np.array([np.nan if number is None else number for number in numbers], np.float64)
        codes = {_key(label): code for code, label in enumerate(spec.classes)}
        texts = (read_text(cell, missing) for cell in cells)
        return np.array([np.nan if text is None else codes[_key(text)] for text in texts], np.float64)
    except (InvalidValueError, KeyError) as error:
        reason = error.message if isinstance(error, InvalidValueError) else f"{error.args[0]!r} is not in `classes`"
        raise DatasetRejectedError(f"{NAME}, target {spec.target!r}: {reason}") from error


def _key(label: object) -> str:
    """Return the text of a label; numbers that are equal have the same text."""
    text = read_text(label, frozenset())
    try:
        number = read_number(text, frozenset())
    except InvalidValueError:
        return str(text)
    return str(text) if number is None else read_text(number, frozenset()) or ""


def _slices(
    path: Path, columns: dict[str, list[str]], rows: int, spec: Spec, encoding: Encoding
) -> tuple[list[SliceLabels], NDArray[np.int16]] | None:
    """Cut the protected columns that the model does not see as those of an uploaded table are cut; None without any."""
    features = {column.name for column in encoding.columns}
    names = [name for name in spec.protected if name not in features and name not in spec.mask]
    for name in names:
        if name not in columns:
            raise spec.refuse("protected", f"{NAME} has no column {name!r}")
    if not names:
        return None
    table = path.with_name("protected.csv")
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([PLACE, *names])
        writer.writerows(zip(range(rows), *(columns[name] for name in names), strict=True))
    with engine.connect(path.parent) as connection:
        cells = load(connection, table, table.name, spec.missing)
        return slices.cut(connection, survey(connection, cells), spec, features)
