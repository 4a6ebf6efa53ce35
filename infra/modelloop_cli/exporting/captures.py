"""Captures in the layout of SageMaker Data Capture, and labels in that of its ground truth: one JSON object a line.

Every row becomes a line of its own, as flat JSON, because that is the form that monitors of this layout read. The event
id is derived from prediction id and row, so a label finds its row; the inference id spells both. Numbers are written as
people sent them: whole ones in whole columns, others as the shortest decimal of the 32-bit value that was captured.
"""

from __future__ import annotations

import json
import struct
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid5

from modelloop import clock
from modelloop.captures import packed
from modelloop.contracts.pointer import VARIANTS
from modelloop.ids import uuid7_ms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EVENT_VERSION = "0"
TRUTH = "_ground_truth"  # no model's name: those begin with a letter
FORMAT_VERSION = 1
_JSON = "application/json"


class Line(NamedTuple):
    """One exported line: the folder that it belongs to (a relative path), when it happened, and the document."""

    folder: str
    time: str
    document: dict[str, Any]


def records(body: bytes, model: str, versions: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """Yield a model's predictions and labels from a capture or feedback object; what is neither is passed over.

    `versions` has the run of each version: a prediction of another one is none of the model's. Of an object that is
    cut off or damaged, what comes before the damage counts, as it does for the summaries.
    """
    for line in _lines(body):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("model") == model and _is_sound(record, versions):
            yield record


def lines(record: dict[str, Any], whole: frozenset[str] = frozenset(), *, scores: bool = False) -> Iterator[Line]:
    """Yield what a record is in the foreign layout: a line a row whose features were captured, or one label.

    `whole` names the columns of whole numbers; `scores` adds the probabilities, which a baseline does not know.
    """
    if record["kind"] == "feedback":
        yield _truth(record)
    elif record["columns"] is not None:
        folder = f"{record['model']}/{record['version']}/{_hour(record['time'])}"
        for row in range(record["rows"]):
            yield Line(folder, record["time"], _capture(record, row, whole, scores=scores))


def event_id(prediction_id: str, row: int) -> str:
    """Return the one id of a predicted row that its capture and its label share."""
    return str(uuid5(UUID(prediction_id), str(row)))


def _lines(body: bytes) -> Iterator[bytes]:
    with suppress(EOFError, OSError, zlib.error):
        yield from packed.opened(body)


def _capture(record: dict[str, Any], row: int, whole: frozenset[str], *, scores: bool) -> dict[str, Any]:
    features = {name: _written(cells[row], name in whole) for name, cells in record["columns"].items()}
    answer = {"predict": record["predict"][row]}
    if scores and record.get("proba") is not None:
        answer |= {f"proba_{place}": share for place, share in enumerate(record["proba"][row])}
    number = record["offset"] + row
    return {
        "captureData": {"endpointInput": _half("INPUT", features), "endpointOutput": _half("OUTPUT", answer)},
        "eventMetadata": {
            "eventId": event_id(record["id"], number),
            "inferenceId": f"{record['id']}/{number}",
            "inferenceTime": _second(record["time"]),
        },
        "eventVersion": EVENT_VERSION,
    }


def _written(cell: Any, is_whole: bool) -> Any:
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


def _half(mode: str, data: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return {"observedContentType": _JSON, "mode": mode, "data": text, "encoding": "JSON"}


def _truth(record: dict[str, Any]) -> Line:
    label = record["label"]
    document = {
        "groundTruthData": {"data": label if isinstance(label, str) else json.dumps(label), "encoding": "CSV"},
        "eventMetadata": {"eventId": event_id(record["id"], record["row"])},
        "eventVersion": EVENT_VERSION,
    }
    return Line(f"{TRUTH}/{record['model']}/{_hour(record['time'])}", record["time"], document)


def _is_sound(record: dict[str, Any], versions: Mapping[int, str]) -> bool:
    """Tell whether a record has the parts that a line is made of; garbage in a bucket must not end an export."""
    if record.get("format_version") != FORMAT_VERSION or record.get("kind") not in {"prediction", "feedback"}:
        return False
    try:
        clock.to_ms(record["time"])
        if uuid7_ms(record["id"]) is None:
            return False
        if record["kind"] == "feedback":
            return type(record["row"]) is int and isinstance(record["label"], str | int | float)
        lists = [record["predict"], *(record["columns"] or {}).values()]
        lists += [record["proba"]] if record.get("proba") is not None else []
        known = versions[record["version"]] == record["run_id"] and record["variant"] in VARIANTS
        whole = type(record["version"]) is type(record["offset"]) is type(record["rows"]) is int
        return known and whole and all(type(cells) is list and len(cells) == record["rows"] for cells in lists)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return False


def _hour(time: str) -> str:
    return clock.from_ms(clock.to_ms(time))[:13].replace("-", "/").replace("T", "/")


def _second(time: str) -> str:
    return clock.from_ms(clock.to_ms(time))[:19] + "Z"
