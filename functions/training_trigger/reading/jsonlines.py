"""JSON Lines as CSV of canonical text, so that one path reads both: each cell becomes the text of the grammar."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from modelloop.errors import DatasetRejectedError, InvalidValueError, MalformedBodyError
from modelloop.tables import not_a_number
from modelloop.tables.grammar import MAX_NUMBER, MISSING_TOKENS, read_text
from modelloop.tables.names import clean_name
from training_trigger.reading.dialect import Dialect
from training_trigger.reading.formats import NUL, WRITE_LINES
from training_trigger.reading.header import MAX_COLUMNS, check_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

type JsonValue = str | float | bool | list[JsonValue] | dict[str, JsonValue] | None

_MISSING = frozenset(MISSING_TOKENS)
_LONG = re.compile(rb"[0-9]{19}")  # what may be a whole number beyond 64 bits, of which the parser makes a float


@dataclass(slots=True)
class Keys:
    """The keys of all lines in the order in which they first occur, and the `last` key of the first line.

    `doubt` says why that one may not be the target: a line has another key after it, or a new one in its place. Keys
    that the spec ignores cannot be the target.
    """

    ignored: Collection[str] = ()
    names: dict[str, None] = field(default_factory=dict)
    last: str | None = None
    doubt: str | None = None
    _before: list[str] | None = None

    def add(self, number: int, keys: list[str]) -> None:
        """Take in the keys of a line."""
        if keys == self._before:
            return
        first, self._before = not self.names, keys
        new = [key for key in keys if key not in self.names]
        self.names.update(dict.fromkeys(new))
        if first:
            self.last = next(reversed(self._candidates(keys)), None)
        elif self.last is not None and self.doubt is None:
            after = keys[keys.index(self.last) + 1 :] if self.last in keys else new
            if others := self._candidates(after):
                self.doubt = (
                    f"it is not clear which key is the target: in the first line the last key is {self.last[:80]!r}, "
                    f"but line {number} also has {others[-1][:80]!r}; name the `target` in model.yaml"
                )

    def columns(self) -> list[str]:
        """Return the keys; the one that is the target, unless the spec names another, comes last."""
        return sorted(self.names, key=lambda name: name == self.last)

    def _candidates(self, keys: Collection[str]) -> list[str]:
        return [key for key in keys if clean_name(key) not in self.ignored]


@dataclass(frozen=True, slots=True)
class Flattened:
    """The dialect of the CSV file, the columns that hold lists or objects, and why the last may not be the target."""

    dialect: Dialect
    nested: frozenset[str]
    doubt: str | None


def flatten(source: Path, sink: Path, ignored: Collection[str] = ()) -> Flattened:
    """Write a JSON Lines file as CSV, the last key of the first line at the end; `ignored` keys are no targets.

    Raises DatasetRejectedError, with the line, for anything but one object a line.
    """
    keys, lines = Keys(ignored), 0
    document: dict[str, JsonValue] = {}
    for lines, (number, document) in enumerate(_documents(source), 1):  # noqa: B007  the last one is looked at below
        keys.add(number, list(document))
        if len(keys.names) > MAX_COLUMNS:
            break
    if lines == 1:
        _check_no_whole_table(document)
    names = keys.columns()
    columns = check_columns(names)
    nested: set[str] = set()
    with sink.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for _, document in _documents(source):
            writer.writerow([_cell(name, document.get(name), nested) for name in names])
    cleaned = dict(zip(names, columns, strict=True))
    return Flattened(Dialect(",", columns=columns), frozenset(cleaned[name] for name in nested), keys.doubt)


def _documents(source: Path) -> Iterator[tuple[int, dict[str, JsonValue]]]:
    with source.open("rb") as stream:
        first = True
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield number, _document(number, line)
                if first:
                    _check_keys(number, line)
                first = False


def _document(number: int, line: bytes) -> dict[str, JsonValue]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        document = _with_nan(number, line) if b"NaN" in line else None
        if document is None:
            raise DatasetRejectedError(
                f"line {number} is not JSON ({error.msg}): JSON Lines has one object on each line", row=number
            ) from error
    if _LONG.search(line):
        document = _with_long_numbers(line, document)
    if not isinstance(document, dict):
        raise DatasetRejectedError(
            f'line {number} is not an object: JSON Lines has one object, such as {{"age": 31}}, on each line',
            row=number,
        )
    if b"\\u0000" in line:
        _check_no_nul(number, document)
    return document


def _with_long_numbers(line: bytes, document: object) -> object:
    """Return a line with its whole numbers beyond 64 bits as they are; what is nested too deeply stays as it was."""
    try:
        return json.loads(line, parse_int=_whole)
    except RecursionError:
        return document


def _whole(digits: str) -> float:
    """Return a whole number of JSON as it is; one that is longer than a number may be is a float."""
    return int(digits) if len(digits) <= MAX_NUMBER else float(digits)


def _with_nan(number: int, line: bytes) -> object:
    """Return a line that is JSON but for NaN, which many programs write, as missing; None when it is not even that."""
    try:
        return not_a_number.parse(line)
    except orjson.JSONDecodeError:
        return None
    except MalformedBodyError as error:
        raise DatasetRejectedError(f"line {number}: {error.message}", row=number) from error


def _check_no_nul(number: int, document: dict[str, JsonValue]) -> None:
    named = next((key for key, cell in document.items() if isinstance(cell, str) and "\0" in cell), None)
    if named is not None:
        raise DatasetRejectedError(f"line {number}, {named[:80]!r}: {NUL}", field=named, row=number)


def _check_keys(number: int, line: bytes) -> None:
    """Raise DatasetRejectedError when a line has a key twice; whoever writes one line so writes all of them so."""
    try:
        pairs = json.loads(line, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return
    keys = [key for key, _ in pairs]
    repeated = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
    if repeated is not None:
        raise DatasetRejectedError(
            f"line {number} has the key {repeated[:80]!r} more than once: give every column a different name",
            row=number,
        )


def _check_no_whole_table(document: dict[str, JsonValue]) -> None:
    """Raise DatasetRejectedError when the only object of a file is a whole table, as pandas' other orients write it."""
    split = {"columns", "data"} <= set(document) and isinstance(document["data"], list)
    described = {"schema", "data"} <= set(document) and isinstance(document["data"], list)
    by_name = bool(document) and all(isinstance(part, dict | list) for part in document.values())
    if split or described or by_name:
        raise DatasetRejectedError(f"the file is one JSON object that holds the whole table: {WRITE_LINES}", row=1)


def _cell(name: str, value: object, nested: set[str]) -> str | None:
    if isinstance(value, str):
        return value
    try:
        return read_text(value, _MISSING)
    except InvalidValueError:
        nested.add(name)
        return None
