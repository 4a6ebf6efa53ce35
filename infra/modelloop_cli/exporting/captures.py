"""Captures in the layout of SageMaker Data Capture, and labels in that of its ground truth: one JSON object a line.

Every row becomes a line of its own, as flat JSON, because that is the form that monitors of this layout read. The event
id is derived from prediction id and row, so a label finds its row; the inference id spells both. Numbers are written as
people sent them: whole ones in whole columns, others as the shortest decimal of the 32-bit value that was captured.
Labels are written as they were read, so that they compare with predictions as text.
"""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid5

from modelloop import clock
from modelloop.captures.cells import misfit
from modelloop.captures.reader import read_batches
from modelloop.contracts.capture_record import FeedbackRecord
from modelloop.tables.grammar import label_text
from modelloop.tables.labels import READ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from modelloop.captures.cells import ExpectedColumns
    from modelloop.captures.reader import Predictions
    from modelloop.contracts.capture_record import Cell, PredictionRecord
    from modelloop.tables.labels import LabelReader

EVENT_VERSION = "0"
TRUTH = "_ground_truth"  # no model's name: those begin with a letter
_JSON = "application/json"


class ExportedVersion(NamedTuple):
    """What an export knows of a version: its run, what fits it, its columns of whole numbers, what reads its labels."""

    run_id: str
    expected: ExpectedColumns
    whole: frozenset[str] = frozenset()
    labels: LabelReader | None = None


class Line(NamedTuple):
    """One exported line: the folder that it belongs to (a relative path), when it happened, and the document."""

    folder: str
    time: str
    document: dict[str, Any]


def records(
    body: bytes, model: str, versions: Callable[[int], ExportedVersion | None]
) -> Iterator[PredictionRecord | FeedbackRecord]:
    """Yield a model's predictions and labels from a capture or feedback object: those that are counted.

    `versions` finds one of the model's versions: what another made, or does not fit it, is none of the model's. Of an
    object that is cut off or damaged, what comes before the damage counts, as it does for the summaries.
    """
    seen: set[tuple[str, int, str]] = set()
    for batch in read_batches(body):
        for predictions in batch.predictions.each() if batch.predictions else ():
            identity = predictions.id[0], predictions.offset[0], predictions.variant[0]
            if identity not in seen and predictions.model[0] == model:
                yield from _fitting(predictions, versions(predictions.version[0]))
            seen.add(identity)  # the first of its identity stands, as it does for the summaries
        yield from (line.record for line in batch.feedback if line.record.model == model)


def lines(
    record: PredictionRecord | FeedbackRecord, made_by: ExportedVersion | None = None, *, scores: bool = False
) -> Iterator[Line]:
    """Yield what a record is in the foreign layout: a line a row whose features were captured, or one label.

    `made_by` is the version that answered; it reads the label. `scores` adds the probabilities, which a baseline does
    not know.
    """
    if isinstance(record, FeedbackRecord):
        yield _truth(record, made_by.labels if made_by else None)
    elif record.columns is not None:
        folder, whole = (
            f"{record.model}/{record.version}/{_hour(record.time)}",
            made_by.whole if made_by else frozenset(),
        )
        for row in range(len(record.predict)):
            yield Line(folder, record.time, _capture(record, record.columns, row, whole, scores=scores))


def event_id(prediction_id: str, row: int) -> str:
    """Return the one id of a predicted row that its capture and its label share."""
    return str(uuid5(UUID(prediction_id), str(row)))


def _fitting(predictions: Predictions, version: ExportedVersion | None) -> Iterator[PredictionRecord]:
    """Yield the one prediction when the version made it and it fits; probabilities without classes mean nothing."""
    if version is None or version.run_id != predictions.run_id[0] or misfit(predictions, version.expected) is not None:
        return
    record = predictions.record()
    yield record if version.expected.classes else replace(record, proba=None)


def _capture(
    record: PredictionRecord, columns: Mapping[str, Sequence[Cell]], row: int, whole: frozenset[str], *, scores: bool
) -> dict[str, Any]:
    features = {name: _written(cells[row], name in whole) for name, cells in columns.items()}
    answer: dict[str, Cell] = {"predict": record.predict[row]}
    if scores and record.proba is not None:
        answer |= {f"proba_{at}": share for at, share in enumerate(record.proba[row])}
    number = record.offset + row
    return {
        "captureData": {"endpointInput": _half("INPUT", features), "endpointOutput": _half("OUTPUT", answer)},
        "eventMetadata": {
            "eventId": event_id(record.id, number),
            "inferenceId": f"{record.id}/{number}",
            "inferenceTime": _second(record.time),
        },
        "eventVersion": EVENT_VERSION,
    }


def _written(cell: Cell, is_whole: bool) -> Cell:
    if type(cell) is not float:
        return cell
    return int(cell) if is_whole and cell.is_integer() else _shortest(cell)


def _shortest(number: float) -> float:
    """Return the double with the fewest decimals that is the same 32-bit float; a number that is none stays."""
    with suppress(OverflowError):
        single = struct.pack("<f", number)
        if struct.unpack("<f", single)[0] == number:
            decimals = (float(f"{number:.{digits}g}") for digits in range(6, 10))
            return next(decimal for decimal in decimals if struct.pack("<f", decimal) == single)
    return number


def _half(mode: str, data: dict[str, Cell]) -> dict[str, Any]:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return {"observedContentType": _JSON, "mode": mode, "data": text, "encoding": "JSON"}


def _truth(record: FeedbackRecord, reader: LabelReader | None) -> Line:
    document: dict[str, Any] = {
        "groundTruthData": {"data": _read(record.label, reader), "encoding": "CSV"},
        "eventMetadata": {"eventId": event_id(record.id, record.row)},
        "eventVersion": EVENT_VERSION,
    }
    return Line(f"{TRUTH}/{record.model}/{_hour(record.time)}", record.time, document)


def _read(label: str | float | bool, reader: LabelReader | None) -> str:
    """Return the text of the class or number that a label was read as; of one that was not read, as it was sent."""
    outcome, value = reader.read(label) if reader else (None, None)
    if outcome == READ and value is not None:
        return label_text(value)
    return label if isinstance(label, str) else json.dumps(label)


def _hour(time: str) -> str:
    return clock.hour_of(time).replace("-", "/").replace("T", "/")


def _second(time: str) -> str:
    return clock.from_ms(clock.to_ms(time))[:19] + "Z"
