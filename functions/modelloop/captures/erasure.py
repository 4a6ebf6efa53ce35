"""Erase what is stored of one prediction: its rows in captures and index, its labels, copies to train on; counts stay.

Everything here is a function of one stored object. An object that holds nothing of the prediction comes back as it
was, byte for byte. A capture object that was rewritten begins with a mark, so that nobody counts its other rows twice.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import orjson

from modelloop.captures.cells import are_one_a_row
from modelloop.captures.object_lines import open_maybe_gzip
from modelloop.captures.quarantine import read_quarantine
from modelloop.captures.reader import read_batches
from modelloop.contracts.capture_record import ERROR, FEEDBACK, REWRITTEN_MARK
from modelloop.contracts.index_entry import IndexEntry, LabelEntry, read_index_line, read_label_line
from modelloop.contracts.labelled_row import read_labelled_row
from modelloop.contracts.origins import Origins, line_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop.captures.reader import Batch, Predictions

ModelHour = tuple[str, str]
Left = tuple[list[bytes], int]  # the lines that are left of one, and how much of it was erased


class RowSelection(NamedTuple):
    """What to erase: a prediction's id and one of its rows (from 0), or all of them (None)."""

    id: str
    row: int | None

    def contains(self, identifier: object, row: object) -> bool:
        """Return whether a row of a prediction is to be erased."""
        return self.id == identifier and (self.row is None or self.row == row)

    def is_named_in(self, body: bytes) -> bool:
        """Return whether a text holds the prediction's id."""
        return self.id.encode() in body

    def split(self, offset: int, rows: int) -> tuple[list[tuple[int, int]], int]:
        """Return the spans of an entry's rows that are left, counted from its own first one, and how many are not.

        The entry is of the prediction, and holds its rows from `offset` on.
        """
        if self.row is None:
            return [], rows
        at = self.row - offset
        if not 0 <= at < rows:
            return [(0, rows)], 0
        return [span for span in ((0, at), (at + 1, rows)) if span[0] < span[1]], 1


class Rewritten(NamedTuple):
    """A capture object without the rows, the models and hours that it has index entries for, and what was erased.

    `rows` are rows of predictions, `labels` labels; `lines` are lines that name the prediction and are no record that
    can be taken apart, or not one entry a row.
    """

    body: bytes
    places: set[ModelHour]
    rows: int = 0
    labels: int = 0
    lines: int = 0


class Remainder(NamedTuple):
    """What is left of an object, and how many rows, labels or quotations were erased."""

    body: bytes
    erased: int


def erase_from_captures(body: bytes, model: str, selection: RowSelection) -> Rewritten:
    """Return a capture or feedback object without the rows and labels; other records stay as they are.

    A line that names the prediction and is no record, such as one that was quarantined, is erased. What lies behind
    damage of a packed object can be read by nobody, and is not written anew.
    """
    erasure = _CaptureErasure(model, selection)
    for batch in read_batches(body):
        erasure.take(batch)
    kept = [REWRITTEN_MARK]
    for number, line in enumerate(_whole_lines(body), 1):
        if line and line != REWRITTEN_MARK:
            kept += erasure.left_of(number, line)
    erased = erasure.erased
    return Rewritten(
        b"\n".join([*kept, b""]), erasure.places, rows=erased["rows"], labels=erased["labels"], lines=erased["lines"]
    )


def lead_index(body: bytes, version_id: str | None) -> bytes:
    """Return an index object that names the capture object's new version."""
    head, separator, rest = body.partition(b"\n")
    source = read_index_line(head)
    if isinstance(source, IndexEntry) or source.version_id == version_id:
        return body
    return source._replace(version_id=version_id).to_line() + separator + rest


def erase_from_index(body: bytes, selection: RowSelection) -> Remainder:
    """Return an index object without the rows."""

    def left_of(line: bytes) -> Left:
        entry = read_index_line(line)
        if not isinstance(entry, IndexEntry) or entry.id != selection.id:
            return [line], 0
        spans, erased = selection.split(entry.offset, len(entry.predict))
        return ([entry.part(*span).to_line() for span in spans] if erased else [line]), erased

    return _erase_lines(body, selection, left_of)


def erase_from_labels(body: bytes, selection: RowSelection) -> Remainder:
    """Return an object of labels without those of the rows."""

    def left_of(line: bytes) -> Left:
        label = read_label_line(line)
        return ([], 1) if isinstance(label, LabelEntry) and selection.contains(label.id, label.row) else ([line], 0)

    return _erase_lines(body, selection, left_of)


def erase_from_labelled_rows(body: bytes, selection: RowSelection) -> Remainder:
    """Return an object of labelled rows without the rows."""

    def left_of(line: bytes) -> Left:
        row = read_labelled_row(line)
        return ([], 1) if selection.contains(row.id, row.row) else ([line], 0)

    return _erase_lines(body, selection, left_of)


def erase_from_quarantine(body: bytes, selection: RowSelection) -> Remainder:
    """Return a quarantine object whose quotes do not name the prediction; what was wrong with their lines stays."""
    stored = read_quarantine(body)
    texts = ["" if selection.id in quote.text else quote.text for quote in stored.quotes]
    erased = sum(text != quote.text for text, quote in zip(texts, stored.quotes, strict=True))
    if not erased:
        return Remainder(body, 0)
    quotes = [quote._replace(text=text) for text, quote in zip(texts, stored.quotes, strict=True)]
    return Remainder(stored._replace(quotes=quotes).to_bytes(), erased)


def origins_hold(origins: Origins, selection: RowSelection) -> bool:
    """Return whether a derived table with these origins holds the rows."""
    return any(selection.contains(origin.id, origin.row) for origin in origins.rows)


def erase_from_origins(origins: Origins, selection: RowSelection) -> Origins:
    """Return the origins of a derived table without those of the rows."""
    rows = tuple(origin for origin in origins.rows if not selection.contains(origin.id, origin.row))
    return replace(origins, rows=rows)


def erase_from_table(table: bytes, origins: Origins, selection: RowSelection) -> Remainder:
    """Return a derived CSV table without the rows.

    Lines are known by their digests, so that a table which lost the rows before comes back as it is.
    """
    erased = {origin.digest for origin in origins.rows if selection.contains(origin.id, origin.row)}
    remaining = Counter(origin.digest for origin in erase_from_origins(origins, selection).rows)
    kept, count = [], 0
    for at, line in enumerate(_table_lines(table)):
        digest = line_digest(line) if at >= origins.before else ""
        remaining[digest] -= 1
        if digest in erased and remaining[digest] < 0:
            count += 1
        else:
            kept.append(line)
    return Remainder(b"".join(kept), count)


class _CaptureErasure:
    """What the one reader finds of the prediction in a capture object, line by line."""

    def __init__(self, model: str, selection: RowSelection) -> None:
        self._model = model
        self._selection = selection
        self._sound: set[int] = set()
        self._left: dict[int, list[bytes]] = {}
        self.places: set[ModelHour] = set()
        self.erased: Counter[str] = Counter()

    def take(self, batch: Batch) -> None:
        """Take in lines that the reader read."""
        if batch.predictions:
            self._take_predictions(batch.predictions)
        self._sound.update(line.number for line in batch.errors)
        self._sound.update(line.number for line in batch.feedback)
        for number, _, label in batch.feedback:
            if label.model == self._model and self._selection.contains(label.id, label.row):
                self._leave(number, "labels", ([], 1))

    def left_of(self, number: int, line: bytes) -> list[bytes]:
        """Return the lines that are left of a whole line of the object."""
        if number in self._left:
            return self._left[number]
        if number in self._sound or not self._selection.is_named_in(line) or self._is_anothers(line):
            return [line]
        self.erased["lines"] += 1
        return []

    def _take_predictions(self, predictions: Predictions) -> None:
        self.places.update(zip(predictions.model, predictions.hour, strict=True))
        self._sound.update(predictions.line)
        for at, identifier in enumerate(predictions.id):
            if identifier != self._selection.id or predictions.model[at] != self._model:
                continue
            if not are_one_a_row(predictions, at):
                self._leave(predictions.line[at], "lines", ([], 1))
                continue
            spans, erased = self._selection.split(predictions.offset[at], predictions.rows[at])
            if erased:
                record = replace(predictions.record(at), unseen={})  # they may have been those of the rows
                lines = [record.part(*span).to_line() for span in spans]
                self._leave(predictions.line[at], "rows", (lines, erased))

    def _leave(self, number: int, name: str, left: Left) -> None:
        self._left[number], erased = left
        self.erased[name] += erased

    def _is_anothers(self, line: bytes) -> bool:
        """Return whether a line that is no sound record, and names the prediction, is about something else."""
        try:
            record = orjson.loads(line)
        except orjson.JSONDecodeError:
            return False
        if not isinstance(record, dict):
            return False
        if record.get("model", self._model) != self._model or record.get("kind") == ERROR:
            return True
        if record.get("kind") == FEEDBACK:
            return not self._selection.contains(record.get("id"), record.get("row"))
        return isinstance(record.get("id"), str) and record["id"] != self._selection.id


def _erase_lines(body: bytes, selection: RowSelection, left_of: Callable[[bytes], Left]) -> Remainder:
    """Return an object after `left_of` took lines that name the prediction apart."""
    kept: list[bytes] = []
    count = 0
    for line in body.split(b"\n"):
        lines, erased = left_of(line) if selection.is_named_in(line) else ([line], 0)
        kept += lines
        count += erased
    return Remainder(b"\n".join(kept), count)


def _whole_lines(body: bytes) -> Iterator[bytes]:
    """Yield the lines of a capture object up to its end or its damage, however long, without their line breaks."""
    try:
        for line in open_maybe_gzip(body):
            yield line.removesuffix(b"\n")
    except (EOFError, OSError, zlib.error):
        return


def _table_lines(table: bytes) -> Iterator[bytes]:
    """Yield the lines of a CSV table as they are written; a line break inside quotes ends none."""
    line = b""
    for piece in table.splitlines(keepends=True):
        line += piece
        if line.count(b'"') % 2 == 0:
            yield line
            line = b""
    if line:
        yield line
