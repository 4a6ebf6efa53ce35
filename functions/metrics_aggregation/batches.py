"""From the lines of a capture object to batches of checked records: those of predictions as columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from metrics_aggregation import lines
from metrics_aggregation.lines import Line, Refused
from metrics_aggregation.predictions import FIELDS, Predictions, together
from metrics_aggregation.records import fault, is_model, is_ours
from modelloop.errors import RequestError
from modelloop.monitoring import quarantine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BATCH_BYTES = 1 << 17  # of lines: what is made of so many stays in the processor's cache


class Batch(NamedTuple):
    """Neighbouring lines, checked and sorted by what they are."""

    predictions: Predictions | None
    errors: Sequence[Line] = ()
    feedback: Sequence[Line] = ()
    refused: Sequence[Refused] = ()


def read(body: bytes) -> Iterator[Batch]:
    """Yield every line of an object, plain or gzip, in batches; memory is bounded."""
    texts: list[bytes] = []
    first, size = 1, 0
    try:
        for text in lines.read(body):
            texts.append(text)
            size += len(text)
            if size >= BATCH_BYTES:
                yield _batch(first, texts)
                first, size, texts = first + len(texts), 0, []
    except RequestError as error:
        yield _batch(first, texts)
        yield Batch(None, refused=[Refused(first + len(texts), error.message, b"", quarantine.DAMAGED)])
    else:
        yield _batch(first, texts)


def _batch(first: int, texts: Sequence[bytes]) -> Batch:
    numbers = range(first, first + len(texts))
    try:
        parsed = list(map(orjson.loads, texts))
    except orjson.JSONDecodeError:
        refused: list[Refused] = []
        return _sorted_out(list(_parsed(zip(numbers, texts, strict=True), refused)), refused)
    predictions = together(numbers, texts, parsed)
    return Batch(predictions) if predictions else _sorted_out(list(map(Line, numbers, texts, parsed)), [])


def _parsed(numbered: Iterable[tuple[int, bytes]], refused: list[Refused]) -> Iterator[Line]:
    for number, text in numbered:
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:
            if text.strip():
                refused.append(Refused(number, "not JSON", text, quarantine.NOT_JSON))
        else:
            yield Line(number, text, record)


def _sorted_out(found: Sequence[Line], refused: list[Refused]) -> Batch:
    """Return a batch of lines of several kinds, or with faults."""
    predictions = _together([line for line in found if _kind(line) == "prediction"])
    rest = [line for line in found if _kind(line) != "prediction"] if predictions else found
    kinds: dict[str, list[Line]] = {"prediction": [], "error": [], "feedback": []}
    for line in rest:
        reason = fault(line.record)
        if reason is None:
            kinds[_kind(line)].append(line)
        else:
            refused.append(_refused(line, reason))
    predictions = predictions or _together([_complete(line) for line in kinds["prediction"]])
    return Batch(predictions, kinds["error"], kinds["feedback"], refused)


def _refused(line: Line, reason: str) -> Refused:
    kind = quarantine.MALFORMED if is_ours(line.record) else quarantine.OTHER_FORMAT
    model = line.record.get("model") if type(line.record) is dict else None
    named = model if isinstance(model, str) and is_model(model) else ""
    return Refused(line.number, reason, line.text, kind, named)


def _together(found: Sequence[Line]) -> Predictions | None:
    return together(*zip(*found, strict=True)) if found else None


def _kind(line: Line) -> Any:
    return line.record.get("kind") if type(line.record) is dict else None


def _complete(line: Line) -> Line:
    """Return the line with every field: what may be null may be left out."""
    return line._replace(record=dict.fromkeys(FIELDS) | line.record)
