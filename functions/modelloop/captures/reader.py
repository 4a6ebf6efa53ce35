"""The one reader of captured lines, for counting, labelled rows, export and erasure: what it finds sound, all do.

What a sound line is
--------------------
| Of a line | Rule |
|---|---|
| object | plain or gzip; of one that is cut off or damaged, the lines before the damage are read |
| size | a line is cut off at 16 MB, which leaves no record; what lies past 512 MB of lines is not read |
| text | strict JSON in UTF-8 (no NaN, no lone surrogates); a blank line is no line |
| format | an object of `format_version` 1 whose `kind` is prediction, error or feedback |
| types | each field as `rules.TYPES` has it; a field that may be null may be left out, further fields are ignored |
| id | a UUIDv7 of a time before the year 9955; the record belongs to the hour of its id |
| model, rollout, variant | names that this release could have given; an error may have no version and no variant |
| numbers | `rows`, `offset` and `row` are not negative, `version` is positive, `latency_ms` lies in 0 to 900,000 |
| time | of a label it must be a moment; of a prediction it is a remark: where it is no moment, that of the id stands |
| `overhead_ms`, `cold`, `unseen`, `status` | remarks: invalid durations count as 0 |
| first of its kind | of predictions with the same id, offset and variant in an object, the first one stands |
| rewritten | an object that begins with the mark of an erasure is not counted: what is left was counted before |

Whether a sound prediction counts is then a question of its version (`cells`): model, version and run must exist and
belong together, `predict`, `proba` and every watched column must hold one entry a row, of the version's kinds. A column
that the version does not watch never refuses a record; where it has not one cell a row it is left out.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import orjson

from modelloop import clock
from modelloop.captures.object_lines import read_lines
from modelloop.captures.quarantine import Kind, Refused
from modelloop.captures.rules import MAX_MS, TYPES, duration_ms, fault, is_model, is_moment, is_ours, is_rollout
from modelloop.contracts.capture_record import (
    FORMAT_VERSION,
    PREDICTION,
    ErrorRecord,
    FeedbackRecord,
    PredictionRecord,
)
from modelloop.contracts.pointer import VARIANTS
from modelloop.errors import RequestError
from modelloop.ids import hours_of, uuid7_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from modelloop.contracts.capture_record import Cell

BATCH_BYTES = 1 << 17  # of lines: what is made of so many stays in the processor's cache
FIELDS = (*TYPES[PREDICTION], "overhead_ms", "cold", "time", "unseen")
R = TypeVar("R", ErrorRecord, FeedbackRecord)
_CHECKED = tuple(TYPES[PREDICTION].values())
_TAKE = itemgetter("format_version", "kind", *FIELDS)


class Line(NamedTuple):
    """A line that parses: where it stood (from 1), its bytes, and what is in it."""

    number: int
    text: bytes
    record: Any


class Sound(NamedTuple, Generic[R]):
    """A sound record of an error or a label: where its line stood (from 1), the line's bytes, and the record."""

    number: int
    text: bytes
    record: R


class Predictions(NamedTuple):
    """Sound predictions as columns, one value a record; `hour` is the id's.

    Records are checked and counted a column at a time: the same checks as one by one, in less time. What is in the
    lists of `columns`, `predict` and `proba` is as the record claims, until `cells` has checked it.
    """

    line: Sequence[int]
    text: Sequence[bytes]
    hour: Sequence[str]
    id: Sequence[str]
    offset: Sequence[int]
    model: Sequence[str]
    version: Sequence[int]
    run_id: Sequence[str]
    variant: Sequence[str]
    rollout: Sequence[str | None]
    rows: Sequence[int]
    columns: Sequence[dict[str, list[Cell]] | None]
    predict: Sequence[list[Cell]]
    proba: Sequence[list[list[float]] | None]
    latency_ms: Sequence[float]
    overhead_ms: Sequence[Any]
    cold: Sequence[Any]
    time: Sequence[Any]
    unseen: Sequence[Any]

    def pick(self, positions: Sequence[int]) -> Predictions:
        """Return the records at some positions."""
        return Predictions._make([column[at] for at in positions] for column in self)

    def halves(self) -> Iterator[Predictions]:
        """Yield the first and the second half."""
        middle = len(self.id) // 2
        for half in (slice(middle), slice(middle, None)):
            yield Predictions._make(column[half] for column in self)

    def each(self) -> Iterator[Predictions]:
        """Yield every record alone."""
        for at in range(len(self.id)):
            yield Predictions._make(column[at : at + 1] for column in self)

    def refused(self, reason: str, kind: Kind) -> Iterator[Refused]:
        """Yield all records as refused."""
        for line, text, model in zip(self.line, self.text, self.model, strict=True):
            yield Refused(line, reason, text, kind, model)

    def record(self, at: int = 0) -> PredictionRecord:
        """Return one record; columns without one cell a row are left out, the other lists are as they stand."""
        columns, moment, unseen = self.columns[at], self.time[at], self.unseen[at]
        return PredictionRecord(
            id=self.id[at],
            time=moment if is_moment(moment) else clock.from_ms(uuid7_ms(self.id[at]) or 0),
            model=self.model[at],
            version=self.version[at],
            run_id=self.run_id[at],
            variant=self.variant[at],
            predict=self.predict[at],
            proba=self.proba[at],
            columns=None if columns is None else whole_columns(columns, self.rows[at]),
            unseen=unseen if type(unseen) is dict else {},
            latency_ms=self.latency_ms[at],
            cold=bool(self.cold[at]),
            overhead_ms=duration_ms(self.overhead_ms[at]),
            rollout=self.rollout[at] or "",
            offset=self.offset[at],
        )


class Batch(NamedTuple):
    """Neighbouring lines, checked and sorted by what they are."""

    predictions: Predictions | None
    errors: Sequence[Sound[ErrorRecord]] = ()
    feedback: Sequence[Sound[FeedbackRecord]] = ()
    refused: Sequence[Refused] = ()


def whole_columns(columns: Mapping[str, list[Cell]], rows: int) -> dict[str, list[Cell]]:
    """Return the columns that hold one cell a row."""
    return {name: cells for name, cells in columns.items() if type(cells) is list and len(cells) == rows}


def read_batches(body: bytes) -> Iterator[Batch]:
    """Yield every line of an object, plain or gzip, in batches of 128 KiB; memory is bounded."""
    texts: list[bytes] = []
    first, size = 1, 0
    try:
        for text in read_lines(body):
            texts.append(text)
            size += len(text)
            if size >= BATCH_BYTES:
                yield _read_batch(first, texts)
                first, size, texts = first + len(texts), 0, []
    except RequestError as error:
        yield _read_batch(first, texts)
        yield Batch(None, refused=[Refused(first + len(texts), error.message, b"", Kind.DAMAGED)])
    else:
        yield _read_batch(first, texts)


def together(line: Sequence[int], text: Sequence[bytes], records: Sequence[Any]) -> Predictions | None:
    """Return records as columns; None when there are none, or one of them is not a prediction with every field."""
    try:
        formats, kinds, *taken = zip(*map(_TAKE, records), strict=True)
    except (KeyError, TypeError, ValueError):
        return None
    if formats.count(FORMAT_VERSION) < len(text) or kinds.count(PREDICTION) < len(text) or not _have_types(taken):
        return None
    hours = hours_of(taken[0])
    if hours is None:
        return None
    predictions = Predictions(line, text, hours, *taken)
    return predictions if _in_bounds(predictions) else None


def _read_batch(first: int, texts: Sequence[bytes]) -> Batch:
    numbers = range(first, first + len(texts))
    try:
        parsed = list(map(orjson.loads, texts))
    except orjson.JSONDecodeError:
        refused: list[Refused] = []
        return _sort(list(_parse(zip(numbers, texts, strict=True), refused)), refused)
    predictions = together(numbers, texts, parsed)
    return Batch(predictions) if predictions else _sort(list(map(Line, numbers, texts, parsed)), [])


def _parse(numbered: Iterable[tuple[int, bytes]], refused: list[Refused]) -> Iterator[Line]:
    for number, text in numbered:
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:
            if text.strip():
                refused.append(Refused(number, "not JSON", text, Kind.NOT_JSON))
        else:
            yield Line(number, text, record)


def _sort(lines: Sequence[Line], refused: list[Refused]) -> Batch:
    """Return a batch of lines of several kinds, or with faults."""
    predictions = _all_together([line for line in lines if _kind(line) == PREDICTION])
    rest = [line for line in lines if _kind(line) != PREDICTION] if predictions else lines
    kinds: dict[str, list[Line]] = {kind: [] for kind in TYPES}
    for line in rest:
        reason = fault(line.record)
        if reason is None:
            kinds[_kind(line)].append(line)
        else:
            refused.append(_refused(line, reason))
    predictions = predictions or _all_together([_complete(line) for line in kinds[PREDICTION]])
    errors = [Sound(line.number, line.text, _error(line.record)) for line in kinds["error"]]
    feedback = [Sound(line.number, line.text, _feedback(line.record)) for line in kinds["feedback"]]
    return Batch(predictions, errors, feedback, refused)


def _error(record: Any) -> ErrorRecord:
    return ErrorRecord(
        id=record["id"],
        time=str(record.get("time") or ""),
        model=record["model"],
        version=record.get("version"),
        variant=record.get("variant"),
        status=record["status"],
        error_code=record["error_code"],
        latency_ms=duration_ms(record.get("latency_ms")),
        overhead_ms=duration_ms(record.get("overhead_ms")),
        rollout=record.get("rollout") or "",
    )


def _feedback(record: Any) -> FeedbackRecord:
    return FeedbackRecord(record["id"], record["row"], record["label"], record["time"], record["model"])


def _refused(line: Line, reason: str) -> Refused:
    kind = Kind.MALFORMED if is_ours(line.record) else Kind.OTHER_FORMAT
    model = line.record.get("model") if type(line.record) is dict else None
    named = model if isinstance(model, str) and is_model(model) else ""
    return Refused(line.number, reason, line.text, kind, named)


def _all_together(lines: Sequence[Line]) -> Predictions | None:
    return together(*zip(*lines, strict=True)) if lines else None


def _kind(line: Line) -> Any:
    return line.record.get("kind") if type(line.record) is dict else None


def _complete(line: Line) -> Line:
    """Return the line with every field: what may be null may be left out."""
    return line._replace(record=dict.fromkeys(FIELDS) | line.record)


def _have_types(taken: Sequence[tuple[Any, ...]]) -> bool:
    return all(types.issuperset(map(type, column)) for types, column in zip(_CHECKED, taken, strict=False))


def _in_bounds(predictions: Predictions) -> bool:
    """Return whether no record has a fault that `rules.fault` would find in its scalars."""
    return (
        VARIANTS.issuperset(predictions.variant)
        and min(predictions.rows) >= 0
        and min(predictions.offset) >= 0
        and min(predictions.version) >= 1
        and min(predictions.latency_ms) >= 0
        and max(predictions.latency_ms) <= MAX_MS
        and all(map(is_model, set(predictions.model)))
        and all(map(is_rollout, set(predictions.rollout)))
    )
