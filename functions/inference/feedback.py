"""Labels for earlier predictions: checked, then stored on their stream before they are acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from inference.gateway import read_body
from inference.outcome import Outcome
from inference.protocols.exchange import MAX_ROWS, Reply, parse_object
from modelloop import clock
from modelloop.contracts.capture_record import FeedbackRecord, join_lines
from modelloop.errors import InvalidValueError, MalformedBodyError, TooLargeError, UnsupportedMediaError
from modelloop.ids import check_model_name, uuid7_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.outcome import Arrival
    from inference.service import Service
    from modelloop.contracts.http_request import HttpRequest
    from modelloop.json_types import JsonValue

_MAX_LABEL = 1_000


def accept_feedback(service: Service, request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Store labels for earlier predictions and answer their count.

    Raises RequestError for what is no label, NotFoundError for a model that does not exist, and TransientError when the
    stream does not take them.
    """
    body = read_body(request)
    model = check_model_name(request.path.get("model", ""))
    entries = _entries(body, request.media_type)
    if len(entries) > MAX_ROWS:
        raise TooLargeError(f"{len(entries)} labels are more than {MAX_ROWS}: send them in parts")
    now = clock.now()
    lines = [_line(entry, row, model, now) for row, entry in enumerate(entries)]
    service.pointers.get(model)
    service.feedback.put(join_lines(lines))
    return Outcome(Reply(orjson.dumps({"accepted": len(lines)})))


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


def _line(entry: JsonValue, row: int, model: str, now: str) -> bytes:
    if not isinstance(entry, dict):
        raise MalformedBodyError("feedback must be objects with id, row and label", field="feedback", row=row)
    identifier, at, label = entry.get("id"), entry.get("row", 0), entry.get("label")
    if not isinstance(identifier, str) or uuid7_ms(identifier) is None:
        raise InvalidValueError("id must be the id of a prediction", field="id", row=row)
    if type(at) is not int or not 0 <= at < MAX_ROWS:
        raise InvalidValueError("row must be the number of a row of that prediction", field="row", row=row)
    if not isinstance(label, str | int | float) or (isinstance(label, str) and not 0 < len(label) <= _MAX_LABEL):
        raise InvalidValueError("label must be text, a number, true or false", field="label", row=row)
    return FeedbackRecord(identifier, at, label, now, model).to_line()
