"""One capture object becomes summaries, index entries, labels and a quarantine; the same object, the same bytes."""

from __future__ import annotations

import gc
import json
from collections import Counter, defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from metrics_aggregation import records as lines
from metrics_aggregation import tally
from modelloop import keys, summary
from modelloop.errors import InvalidValueError
from modelloop.summary import Place, Summary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metrics_aggregation.records import Record
    from metrics_aggregation.watched import Watched

BUFFERED_ROWS = 700  # as many as stay in the processor's cache
MOST_QUARANTINED = 10_000
LONGEST_QUOTE = 4_096
_PPM = 1_000_000


class Source(NamedTuple):
    """The object being read: its key, the version that the event named, and the digest that derived keys carry."""

    key: str
    version_id: str | None
    digest: str


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
        self._knowledge = knowledge
        self._waiting: dict[tuple[tuple[str, str, int, str, str], str], list[tuple[int, Record]]] = defaultdict(list)
        self._rows = 0
        self._seen: set[tuple[Any, ...]] = set()
        self._tallies: dict[Place, summary.Tallies] = {}
        self._index: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self._labels: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        self._refused: list[lines.Refused] = []
        self.counted: Counter[str] = Counter()

    def read(self, body: bytes) -> None:
        """Take in the whole object, line by line."""
        with _without_collections():
            for number, record in lines.read(body):
                if isinstance(record, lines.Refused):
                    self._refuse(record)
                else:
                    self._take(number, record)
                if self._rows >= BUFFERED_ROWS:
                    self._fold()
            self._fold()

    def outputs(self) -> Iterator[tuple[str, bytes]]:
        """Yield every object to store with its key; marks for the join come last, when what they announce is there."""
        digest = self._source.digest
        for place, tallies in sorted(self._tallies.items()):
            yield keys.summary(*place, digest), summary.to_bytes(Summary(place, tallies))
        head = orjson.dumps({"format_version": 1, "key": self._source.key, "version_id": self._source.version_id})
        for (model, hour), entries in sorted(self._index.items()):
            yield keys.index(model, hour, digest), b"\n".join([head, *sorted(entries), b""])
        for (model, hour), labels in sorted(self._labels.items()):
            yield keys.feedback(model, hour, digest), b"\n".join([*sorted(labels), b""])
        if self._refused:
            yield keys.quarantine(digest), self._quarantine()
        for model, hour in sorted({*self._index, *self._labels}):
            yield keys.unjoined(model, hour, digest), b""

    def _take(self, number: int, record: Record) -> None:
        if record["kind"] == "feedback":
            self._label(number, record)
            return
        identity = record["id"], record.get("offset"), record["variant"], record["kind"]
        if identity in self._seen:
            self.counted["duplicates"] += 1
        else:
            self._seen.add(identity)
            self._wait(number, record)

    def _wait(self, number: int, record: Record) -> None:
        version, variant, rollout = record["version"] or 0, record["variant"] or "none", record.get("rollout") or ""
        place = record["model"], record["hour"], version, variant, rollout
        self._waiting[place, record.get("run_id", "")].append((number, record))
        self._rows += record.get("rows", 1) + 1

    def _label(self, number: int, record: Record) -> None:
        if not self._knowledge.model(record["model"]):
            self._refuse(_refused(number, record, "unknown model"))
            return
        label = {name: record[name] for name in ("id", "row", "label", "time")}
        self._labels[record["model"], record["hour"]].append(_compact(label))
        self.counted["labels"] += 1

    def _fold(self) -> None:
        for (found, run_id), waiting in self._waiting.items():
            place = Place(*found)
            errors = [(number, record) for number, record in waiting if record["kind"] == "error"]
            scored = [(number, record) for number, record in waiting if record["kind"] == "prediction"]
            if errors:
                self._fold_errors(place, errors)
            if scored:
                self._fold_scored(place, run_id, scored)
        self._waiting.clear()
        self._rows = 0

    def _fold_errors(self, place: Place, errors: list[tuple[int, Record]]) -> None:
        if not self._knowledge.model(place.model):
            self._refuse_all(errors, "unknown model")
            return
        summary.add(self._tallies.setdefault(place, {}), tally.errors([record for _, record in errors]))
        self.counted["errors"] += len(errors)

    def _fold_scored(self, place: Place, run_id: str, scored: list[tuple[int, Record]]) -> None:
        watched = self._knowledge.version(place.model, run_id)
        if watched is None or watched.version != place.version:
            self._refuse_all(scored, "unknown model or version")
            return
        self._count(place, watched, scored)

    def _count(self, place: Place, watched: Watched, scored: list[tuple[int, Record]]) -> None:
        """Count records together; when one of them is no use, halve until it is found and refused alone."""
        try:
            found = tally.predictions([record for _, record in scored], watched)
        except InvalidValueError as error:
            if len(scored) == 1:
                self._refuse_all(scored, error.message)
                return
            middle = len(scored) // 2
            self._count(place, watched, scored[:middle])
            self._count(place, watched, scored[middle:])
            return
        summary.add(self._tallies.setdefault(place, {}), found)
        self._index[place.model, place.hour] += [_entry(place, watched, record) for _, record in scored]
        self.counted["rows"] += found["rows"]

    def _refuse_all(self, numbered: list[tuple[int, Record]], reason: str) -> None:
        for number, record in numbered:
            self._refuse(_refused(number, record, reason))

    def _refuse(self, refused: lines.Refused) -> None:
        self.counted["quarantined"] += 1
        if len(self._refused) < MOST_QUARANTINED:
            self._refused.append(refused)

    def _quarantine(self) -> bytes:
        head = {"key": self._source.key, "version_id": self._source.version_id, "refused": self.counted["quarantined"]}
        quotes = [
            {"line": line, "reason": reason, "text": text[:LONGEST_QUOTE].decode(errors="backslashreplace")}
            for line, reason, text in sorted(self._refused)
        ]
        return b"".join(json.dumps(document).encode() + b"\n" for document in ({"format_version": 1, **head}, *quotes))


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


def _refused(number: int, record: Record, reason: str) -> lines.Refused:
    return lines.Refused(number, reason, _compact({**record, "hour": None}))


def _entry(place: Place, watched: Watched, record: Record) -> bytes:
    """Return the index line of a record: what quality needs of it, and no feature but the slices."""
    proba = record["proba"] if watched.classes else None
    cells = record["columns"] or {}
    return _compact(
        {
            "id": record["id"],
            "offset": record["offset"],
            "version": place.version,
            "variant": place.variant,
            "rollout": place.rollout,
            "predict": record["predict"],
            "proba": None if proba is None else [[round(share * _PPM) for share in row] for row in proba],
            "slices": {name: cells[name] for name in watched.slices if name in cells} or None,
        }
    )


def _compact(document: dict[str, Any]) -> bytes:
    """Return the document as bytes of their true size: what orjson returns holds on to kilobytes."""
    return bytes(memoryview(orjson.dumps(document)))
