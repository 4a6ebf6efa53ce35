"""Labels that come back: checked, then durably on their stream before the answer says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from inference.predictions import timestamp
from inference.protocols.exchange import MAX_ROWS, Reply, parse_object
from modelloop.contracts.capture_record import FeedbackRecord, join_lines
from modelloop.errors import InvalidValueError, MalformedBodyError, TooLargeError, UnsupportedMediaError
from modelloop.ids import check_model_name, uuid7_ms

if TYPE_CHECKING:
    from inference.gateway import Call
    from inference.predictions import Trace
    from inference.service import Service

_LONGEST_LABEL = 1_000


def accept(service: Service, call: Call, _trace: Trace) -> Reply:
    """Take labels for earlier predictions; a model that does not exist is 404, a stream that is down 503."""
    body = call.body()
    model = check_model_name(call.parameters.get("model", ""))
    entries = _entries(body, call.media_type)
    if len(entries) > MAX_ROWS:
        raise TooLargeError(f"{len(entries)} labels are more than {MAX_ROWS}: send them in parts")
    now = timestamp()
    lines = [_line(entry, row, model, now) for row, entry in enumerate(entries)]
    service.pointers.get(model)
    service.feedback.put(join_lines(lines))
    return Reply(orjson.dumps({"accepted": len(lines)}))


def _entries(body: bytes, media_type: str) -> list[Any]:
    if media_type == "text/csv":
        return _from_csv(body)
    if media_type not in ("", "application/json"):
        raise UnsupportedMediaError(f"content type {media_type[:80]!r} is not application/json or text/csv")
    entries = parse_object(body).get("feedback")
    if not isinstance(entries, list) or not entries:
        raise MalformedBodyError("the request needs feedback: a list of id, row and label", field="feedback")
    return entries


def _from_csv(body: bytes) -> list[dict[str, Any]]:
    from inference.protocols.csvtable import read_table  # noqa: PLC0415  only requests in CSV pay for it

    names, rows = read_table(body)
    if not {"id", "label"} <= set(names) <= {"id", "row", "label"} or not rows:
        raise MalformedBodyError("the CSV needs the columns id, label and, for requests of several rows, row")
    entries: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in rows]
    for entry in entries:
        text = entry.get("row", "0")
        entry["row"] = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else text  # noqa: PLR2004
    return entries


def _line(entry: object, row: int, model: str, now: str) -> bytes:
    if not isinstance(entry, dict):
        raise MalformedBodyError("feedback must be objects with id, row and label", field="feedback", row=row)
    identifier, at, label = entry.get("id"), entry.get("row", 0), entry.get("label")
    if not isinstance(identifier, str) or uuid7_ms(identifier) is None:
        raise InvalidValueError("id must be the id of a prediction", field="id", row=row)
    if type(at) is not int or not 0 <= at < MAX_ROWS:
        raise InvalidValueError("row must be the number of a row of that prediction", field="row", row=row)
    if not isinstance(label, str | int | float) or (isinstance(label, str) and not 0 < len(label) <= _LONGEST_LABEL):
        raise InvalidValueError("label must be text, a number, true or false", field="label", row=row)
    return FeedbackRecord(identifier, at, label, now, model).to_line()
