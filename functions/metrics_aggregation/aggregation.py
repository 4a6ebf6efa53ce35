"""One capture object becomes summaries, index entries, labels and a quarantine; the same object, the same bytes."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from contextlib import contextmanager
from functools import lru_cache
from itertools import compress, count
from typing import TYPE_CHECKING, NamedTuple, Protocol

from metrics_aggregation import counting, values
from metrics_aggregation.record_buffer import RecordBuffer
from modelloop import clock, keys
from modelloop.captures import quarantine, reader
from modelloop.captures.quarantine import Kind, Quarantine, Refused
from modelloop.contracts.index_entry import LabelEntry, SourceObject
from modelloop.errors import InvalidValueError
from modelloop.ids import hour_of, is_recent
from modelloop.monitoring import summary
from modelloop.monitoring.summary import NO_VARIANT, NO_VERSION, Summary, SummaryKey

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from metrics_aggregation.record_buffer import Group
    from metrics_aggregation.values import Values
    from metrics_aggregation.watched import Watched
    from modelloop.captures.reader import Batch, Predictions, Sound
    from modelloop.contracts.capture_record import ErrorRecord, FeedbackRecord
    from modelloop.contracts.counts import Counts

BUFFERED_ROWS = 20_000  # counting pays per column and call: many rows make it cheap, and a row is a few bytes a column
RETENTION_DAYS = 90.0  # of captures, where a stack does not say it
MAX_REMEMBERED = 1_000  # of models and versions, known and unknown, in one object


class Source(NamedTuple):
    """The object being read: its key, the version that the event named, and the digest that derived keys carry.

    `hour` is when it arrived, as the event tells it however often it is delivered.
    """

    key: str
    version_id: str | None
    digest: str
    hour: str


class Lookup(Protocol):
    """What aggregation must know of the registry of versions."""

    def version(self, model: str, run_id: str) -> Watched | None:
        """Return a version, or None when there is no such one."""

    def model(self, model: str) -> bool:
        """Return whether there is such a model."""


class Aggregation:
    """Reads one object and holds what it yields; memory grows with the index alone, not with the features."""

    def __init__(self, source: Source, lookup: Lookup, retention_days: float = RETENTION_DAYS) -> None:
        self._source = source
        self._retention_days = retention_days
        self._version = lru_cache(MAX_REMEMBERED)(lookup.version)
        self._model = lru_cache(MAX_REMEMBERED)(lookup.model)
        self._seen: set[Hashable] = set()
        self._buffer = RecordBuffer()
        self._values: dict[tuple[SummaryKey, Watched], list[Values]] = defaultdict(list)
        self._rows = 0
        self._counts: dict[SummaryKey, Counts] = {}
        self._index: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self._labels: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self._quarantine = Quarantine()
        self.counted: Counter[str] = Counter()

    def read(self, body: bytes) -> None:
        """Take in the whole object, batch by batch."""
        with _without_collections():
            for _ in map(self._take, reader.read_batches(body)):  # a batch is let go before the next one is read
                if self._rows >= BUFFERED_ROWS:
                    self._count()
            self._read_all(self._buffer.rest())
            self._count()
        self.counted["quarantined"] = self._quarantine.count

    def refuse(self, reason: str) -> None:
        """Take in that the object as a whole cannot be read."""
        self._refuse([Refused(0, reason, b"", Kind.DAMAGED)])
        self.counted["quarantined"] = self._quarantine.count

    def outputs(self) -> Iterator[tuple[str, bytes]]:
        """Yield every object to store with its key; marks for the join come last, when what they announce is there."""
        digest = self._source.digest
        for key, counts in sorted(self._counts.items()):
            yield keys.summary(*key, digest), summary.to_bytes(Summary(key, counts))
        source = SourceObject(self._source.key, self._source.version_id)
        head = source.to_line()
        for (model, hour), entries in sorted(self._index.items()):
            yield keys.index(model, hour, digest), b"\n".join([head, *sorted(entries), b""])
        for (model, hour), labels in sorted(self._labels.items()):
            yield keys.feedback(model, hour, digest), b"\n".join([head, *sorted(labels), b""])
        if self._quarantine.count:
            yield keys.quarantine(digest), self._quarantine.to_bytes(source)
        for model, hour in sorted({*self._index, *self._labels}):
            yield keys.join_pending(model, hour, digest), b""

    def _take(self, batch: Batch) -> None:
        self._refuse(batch.refused)
        if batch.predictions:
            self._take_predictions(batch.predictions)
        self._take_errors(batch.errors)
        self._take_labels(batch.feedback)

    def _take_predictions(self, predictions: Predictions) -> None:
        new = self._new(list(zip(predictions.id, predictions.offset, predictions.variant, strict=True)))
        some = predictions if all(new) else predictions.pick(list(compress(count(), new)))
        self._read_all(self._buffer.add(some))

    def _read_all(self, groups: Iterable[tuple[Group, Predictions]]) -> None:
        for (key, run_id), predictions in groups:
            watched = self._version(key.model, run_id)
            if watched is None or watched.version != key.version:
                kind = Kind.UNKNOWN_VERSION if self._model(key.model) else Kind.UNKNOWN_MODEL
                self._refuse(predictions.refused("unknown model or version", kind))
            else:
                self._read(key, watched, predictions)

    def _read(self, key: SummaryKey, watched: Watched, predictions: Predictions) -> None:
        """Read records together; when a record is invalid, halve until it is found and refused alone."""
        try:
            read = values.read(predictions, watched)
        except InvalidValueError as error:
            if len(predictions.id) == 1:
                self._refuse(predictions.refused(error.message, Kind.UNFIT))
                return
            for half in predictions.halves():
                self._read(key, watched, half)
            return
        self._values[key, watched].append(read)
        self._index[key.model, key.hour] += values.index_entries(key, predictions, read, watched)
        self._rows += read.rows
        self.counted["rows"] += read.rows

    def _take_errors(self, lines: Sequence[Sound[ErrorRecord]]) -> None:
        new = self._new([(line.record.id, line.record.variant) for line in lines])
        by_key: dict[SummaryKey, list[ErrorRecord]] = defaultdict(list)
        for line in compress(lines, new):
            if self._model(line.record.model):
                by_key[_error_key(line.record)].append(line.record)
            else:
                self._refuse([Refused(line.number, "unknown model", line.text, Kind.UNKNOWN_MODEL)])
        for key, errors in by_key.items():
            summary.add(self._counts.setdefault(key, {}), counting.count_errors(errors))
            self.counted["errors"] += len(errors)

    def _take_labels(self, lines: Sequence[Sound[FeedbackRecord]]) -> None:
        for number, text, record in lines:
            if not self._model(record.model):
                self._refuse([Refused(number, "unknown model", text, Kind.UNKNOWN_MODEL)])
                continue
            if not is_recent(record.id, clock.to_ms(record.time), self._retention_days):
                reason = "the label is of a prediction that was not kept any more, or not made yet, when it came"
                self._refuse([Refused(number, reason, text, Kind.OUTSIDE_RETENTION, record.model)])
                continue
            label = LabelEntry(record.id, record.row, record.label, record.time)
            self._labels[record.model, hour_of(record.id) or ""].append(label.to_line())
            self.counted["labels"] += 1

    def _refuse(self, refused: Iterable[Refused]) -> None:
        """Put lines aside, and count them for the hour of their arrival: an id that could tell another may be wrong."""
        for line in refused:
            model = line.model if line.model and self._model(line.model) else quarantine.UNKNOWN_MODEL
            key = SummaryKey(model, self._source.hour, NO_VERSION, NO_VARIANT)
            summary.add(self._counts.setdefault(key, {}), {quarantine.COUNTED: {line.kind: 1}})
            self._quarantine.add([line._replace(model="" if model == quarantine.UNKNOWN_MODEL else model)])

    def _new(self, identities: Sequence[Hashable]) -> list[bool]:
        """Return for each record whether it is the first of its identity in the object."""
        first = set(identities)
        if len(first) == len(identities) and self._seen.isdisjoint(first):
            self._seen |= first
            return [True] * len(identities)
        new = []
        for identity in identities:
            new.append(identity not in self._seen)
            self._seen.add(identity)
        self.counted["duplicates"] += new.count(False)
        return new

    def _count(self) -> None:
        for (key, watched), parts in self._values.items():
            summary.add(self._counts.setdefault(key, {}), counting.count(parts, watched))
        self._values.clear()
        self._rows = 0


def _error_key(error: ErrorRecord) -> SummaryKey:
    """Return what an error counts for; a request can fail before a version is chosen."""
    version, variant = error.version or NO_VERSION, error.variant or NO_VARIANT
    return SummaryKey(error.model, hour_of(error.id) or "", version, variant, error.rollout)


@contextmanager
def _without_collections() -> Iterator[None]:
    """Disable garbage collection: records have no cycles; saves a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
