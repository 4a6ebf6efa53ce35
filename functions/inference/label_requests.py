"""A request with labels: checked, then stored on the stream of feedback before it is acknowledged.

What a label names is read with the versions that this environment holds, if it holds any: nothing is fetched for it.
Whether a prediction of that id exists is found out when labels are joined, because its capture may still be on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from inference.gateway import read_body
from inference.outcome import Outcome
from inference.protocols.exchange import MAX_ROWS, Reply, parse_object
from modelloop import clock, ids
from modelloop.contracts.capture_record import FeedbackRecord, join_lines
from modelloop.errors import InvalidValueError, MalformedBodyError, TooLargeError, UnsupportedMediaError
from modelloop.tables.labels import NEW_CLASS, READ, UNREADABLE, LabelReader, fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.service import Service
    from modelloop.contracts.http_request import HttpRequest
    from modelloop.json_types import JsonObject, JsonValue

MAX_HOURS = 200  # that the predictions of one request's labels were made in: each is joined by itself
MAX_EXAMPLES = 5
_MAX_SHOWN = 100
_BEST_FIRST = (READ, NEW_CLASS, UNREADABLE)


def take_labels(service: Service, request: HttpRequest) -> Outcome:
    """Store the labels that can be read, or name a class that is new, and answer how many there are of each kind.

    Raises RequestError for what is no label, NotFoundError for a model that does not exist, and TransientError when the
    stream does not take them.
    """
    body = read_body(request)
    model = ids.check_model_name(request.path.get("model", ""))
    entries = _entries(body, request.media_type)
    if len(entries) > MAX_ROWS:
        raise TooLargeError(f"{len(entries)} labels are more than {MAX_ROWS}: send them in parts")
    now = clock.now()
    records = [_record(entry, row, model, now) for row, entry in enumerate(entries)]
    pointer = service.pointers.get(model).pointer
    _check_times(records, now, service.retention_days)
    held = service.model_cache.held(pointer)
    readers = [LabelReader(version.classes, version.encoding.missing) for version in held]
    outcomes = [_outcome(record, readers) for record in records]
    lines = [record.to_line() for record, said in zip(records, outcomes, strict=True) if said != UNREADABLE]
    if lines:
        service.feedback.put(join_lines(lines))
    return Outcome(Reply(orjson.dumps(_counts(records, outcomes, compared=bool(readers)))))


def _outcome(record: FeedbackRecord, readers: Sequence[LabelReader]) -> str:
    """Return what the label says to the version that understands it best; without a version in memory it is read."""
    outcomes = {reader.read(record.label).outcome for reader in readers}
    return next((outcome for outcome in _BEST_FIRST if outcome in outcomes), READ)


def _counts(records: Sequence[FeedbackRecord], outcomes: Sequence[str], *, compared: bool) -> JsonObject:
    """Return the answer; `new_class` is null when there was no version in memory to compare the labels with."""
    examples: Sequence[JsonValue] = [
        {"entry": entry, "id": record.id, "row": record.row, "label": _shown(record.label), "outcome": outcome}
        for entry, (record, outcome) in enumerate(zip(records, outcomes, strict=True))
        if outcome != READ
    ][:MAX_EXAMPLES]
    return {
        "accepted": len(outcomes) - outcomes.count(UNREADABLE),
        "unreadable": outcomes.count(UNREADABLE),
        "new_class": outcomes.count(NEW_CLASS) if compared else None,
        "examples": examples,
    }


def _shown(label: str | float | bool) -> str | float | bool:
    return label[:_MAX_SHOWN] if isinstance(label, str) else label


def _entries(body: bytes, media_type: str) -> Sequence[JsonValue]:
    if media_type == "text/csv":
        return _from_csv(body)
    if media_type not in ("", "application/json"):
        raise UnsupportedMediaError(f"content type {media_type[:80]!r} is not application/json or text/csv")
    entries = parse_object(body).get("feedback")
    if not isinstance(entries, list) or not entries:
        raise MalformedBodyError("the request needs feedback: a list of id, row and label", field="feedback")
    return entries


def _from_csv(body: bytes) -> list[dict[str, str | int]]:
    from inference.protocols.csvtable import read_table  # noqa: PLC0415  only requests in CSV pay for it

    names, rows = read_table(body)
    if not {"id", "label"} <= set(names) <= {"id", "row", "label"} or not rows:
        raise MalformedBodyError("the CSV needs the columns id, label and, for requests of several rows, row")
    entries = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**entry, "row": _number(entry.get("row", "0"))} for entry in entries]


def _number(text: str) -> str | int:
    """Return the whole number that a cell is, or the text itself."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else text  # noqa: PLR2004


def _record(entry: JsonValue, row: int, model: str, now: str) -> FeedbackRecord:
    if not isinstance(entry, dict):
        raise MalformedBodyError("feedback must be objects with id, row and label", field="feedback", row=row)
    identifier, at, label = entry.get("id"), entry.get("row", 0), entry.get("label")
    if not isinstance(identifier, str) or ids.uuid7_ms(identifier) is None:
        raise InvalidValueError("id must be the id of a prediction", field="id", row=row)
    if type(at) is not int or not 0 <= at < MAX_ROWS:
        raise InvalidValueError("row must be the number of a row of that prediction", field="row", row=row)
    if not isinstance(label, str | int | float) or fault(label):
        raise InvalidValueError(f"label {fault(label)}", field="label", row=row)
    return FeedbackRecord(identifier, at, label, now, model)


def _check_times(records: Sequence[FeedbackRecord], now: str, days: float) -> None:
    """Refuse labels of predictions that cannot be kept here any more or yet, and of too many different hours."""
    now_ms = clock.to_ms(now)
    for row, record in enumerate(records):
        if not ids.is_recent(record.id, now_ms, days):
            words = f"id must be of a prediction of the last {days:g} days: older ones are no longer kept"
            raise InvalidValueError(words, field="id", row=row)
    hours = len({ids.hour_of(record.id) for record in records})
    if hours > MAX_HOURS:
        raise TooLargeError(
            f"labels of predictions from {hours:,} different hours are more than {MAX_HOURS}: "
            "send them in parts, sorted by id",
            field="id",
        )
