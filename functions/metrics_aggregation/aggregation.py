"""One capture object becomes summaries, index entries, labels and a quarantine; the same object, the same bytes."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from contextlib import contextmanager
from functools import lru_cache
from itertools import compress, count
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from metrics_aggregation import batches, counting, index, records, values
from metrics_aggregation.lines import Refused
from metrics_aggregation.quarantine import Quarantine
from metrics_aggregation.record_buffer import Gathering
from modelloop import keys
from modelloop.errors import InvalidValueError
from modelloop.monitoring import quarantine, summary
from modelloop.monitoring.summary import Summary, SummaryKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from metrics_aggregation.batches import Batch
    from metrics_aggregation.lines import Line
    from metrics_aggregation.predictions import Group, Predictions
    from metrics_aggregation.values import Values
    from metrics_aggregation.watched import Watched
    from modelloop.contracts.counts import Counts

BUFFERED_ROWS = 20_000  # counting pays per column and call: many rows make it cheap, and a row is a few bytes a column

MOST_REMEMBERED = 1_000  # of models and versions, known and unknown, in one object


class Source(NamedTuple):
    """The object being read: its key, the version that the event named, and the digest that derived keys carry.

    `hour` is when it arrived, as the event tells it however often it is delivered.
    """

    key: str
    version_id: str | None
    digest: str
    hour: str


class Knowledge(Protocol):
    """What aggregation must know of the registry of versions."""

    def version(self, model: str, run_id: str) -> Watched | None:
        """Return a version, or None when there is no such one."""

    def model(self, model: str) -> bool:
        """Say whether there is such a model."""


class Aggregation:
    """Reads one object and holds what it yields; memory grows with the index alone, not with the features."""

    def __init__(self, source: Source, knowledge: Knowledge) -> None:
        self._source = source
        self._version = lru_cache(MOST_REMEMBERED)(knowledge.version)
        self._model = lru_cache(MOST_REMEMBERED)(knowledge.model)
        self._seen: set[tuple[Any, ...]] = set()
        self._gathering = Gathering()
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
            for _ in map(self._take, batches.read(body)):  # a batch is let go before the next one is read
                if self._rows >= BUFFERED_ROWS:
                    self._count()
            self._read_all(self._gathering.rest())
            self._count()
        self.counted["quarantined"] = self._quarantine.count

    def refuse(self, reason: str) -> None:
        """Take in that the object as a whole cannot be read."""
        self._refuse([Refused(0, reason, b"", quarantine.DAMAGED)])
        self.counted["quarantined"] = self._quarantine.count

    def outputs(self) -> Iterator[tuple[str, bytes]]:
        """Yield every object to store with its key; marks for the join come last, when what they announce is there."""
        digest = self._source.digest
        for key, counts in sorted(self._counts.items()):
            yield keys.summary(*key, digest), summary.to_bytes(Summary(key, counts))
        origin = {"key": self._source.key, "version_id": self._source.version_id}
        head = orjson.dumps({"format_version": 1, **origin})
        for (model, hour), entries in sorted(self._index.items()):
            yield keys.index(model, hour, digest), b"\n".join([head, *sorted(entries), b""])
        for (model, hour), labels in sorted(self._labels.items()):
            yield keys.feedback(model, hour, digest), b"\n".join([head, *sorted(labels), b""])
        if self._quarantine.count:
            yield keys.quarantine(digest), self._quarantine.to_bytes(origin)
        for model, hour in sorted({*self._index, *self._labels}):
            yield keys.unjoined(model, hour, digest), b""

    def _take(self, batch: Batch) -> None:
        self._refuse(batch.refused)
        if batch.predictions:
            self._take_predictions(batch.predictions)
        self._take_errors(batch.errors)
        self._take_labels(batch.feedback)

    def _take_predictions(self, found: Predictions) -> None:
        new = self._new(list(zip(found.id, found.offset, found.variant, strict=True)))
        some = found if all(new) else found.pick(list(compress(count(), new)))
        self._read_all(self._gathering.add(some))

    def _read_all(self, gathered: Iterable[tuple[Group, Predictions]]) -> None:
        for (key, run_id), found in gathered:
            watched = self._version(key.model, run_id)
            if watched is None or watched.version != key.version:
                kind = quarantine.UNKNOWN_VERSION if self._model(key.model) else quarantine.UNKNOWN_MODEL
                self._refuse(found.refused("unknown model or version", kind))
            else:
                self._read(key, watched, found)

    def _read(self, key: SummaryKey, watched: Watched, found: Predictions) -> None:
        """Read records together; when one of them is no use, halve until it is found and refused alone."""
        try:
            read = values.read(found, watched)
        except InvalidValueError as error:
            if len(found.id) == 1:
                self._refuse(found.refused(error.message, quarantine.UNFIT))
                return
            for half in found.halves():
                self._read(key, watched, half)
            return
        self._values[key, watched].append(read)
        self._index[key.model, key.hour] += index.entries(key, found, read, watched)
        self._rows += read.rows
        self.counted["rows"] += read.rows

    def _take_errors(self, found: Sequence[Line]) -> None:
        new = self._new([(line.record["id"], line.record.get("variant")) for line in found])
        places = defaultdict(list)
        for line in compress(found, new):
            if self._model(line.record["model"]):
                places[records.summary_key(line.record)].append(line.record)
            else:
                self._refuse([Refused(line.number, "unknown model", line.text, quarantine.UNKNOWN_MODEL)])
        for key, some in places.items():
            summary.add(self._counts.setdefault(key, {}), counting.errors(some))
            self.counted["errors"] += len(some)

    def _take_labels(self, found: Sequence[Line]) -> None:
        for number, text, record in found:
            if not self._model(record["model"]):
                self._refuse([Refused(number, "unknown model", text, quarantine.UNKNOWN_MODEL)])
                continue
            label = {name: record[name] for name in ("id", "row", "label", "time")}
            self._labels[record["model"], records.hour(record)].append(_compact(label))
            self.counted["labels"] += 1

    def _refuse(self, refused: Iterable[Refused]) -> None:
        """Put lines aside, and count them for the hour of their arrival: an id that could tell another may be wrong."""
        for one in refused:
            model = one.model if one.model and self._model(one.model) else quarantine.NOBODY
            key = SummaryKey(model, self._source.hour, summary.NO_VERSION, summary.NO_VARIANT)
            summary.add(self._counts.setdefault(key, {}), {quarantine.COUNTED: {one.kind: 1}})
            self._quarantine.add([one._replace(model="" if model == quarantine.NOBODY else model)])

    def _new(self, identities: Sequence[tuple[Any, ...]]) -> list[bool]:
        """Say of each record whether it is the first of its identity in the object."""
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


@contextmanager
def _without_collections() -> Iterator[None]:
    """Hold the cycle collector: records have no cycles, and looking for some takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _compact(document: dict[str, Any]) -> bytes:
    """Return the document as bytes of their true size: what orjson returns holds on to kilobytes."""
    return bytes(memoryview(orjson.dumps(document)))
