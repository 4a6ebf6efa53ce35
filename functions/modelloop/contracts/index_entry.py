"""What a capture object leaves for the joins of predictions and labels: the prediction index, and labels by hour.

Both are lines under a head that names the capture object. An index entry has what quality needs of one prediction
record, and no feature but the protected columns; a label entry is one label that came back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelloop.contracts.reading import reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from modelloop.contracts.capture_record import Cell

    EntryRow = tuple[str, int, Sequence[Cell], Sequence[Sequence[int]] | None, Mapping[str, Sequence[Cell]] | None]

FORMAT_VERSION = 1
_ID = re.compile(rb'"id":"([0-9a-f-]{36})"')  # a text that holds this has its quotation marks escaped


class SourceObject(NamedTuple):
    """The capture object that a derived object was made of: its key, and its version (None when unversioned)."""

    key: str
    version_id: str | None

    def to_json(self) -> dict[str, str | None]:
        """Return the fields that a head line names it by."""
        return {"key": self.key, "version_id": self.version_id}

    def to_line(self) -> bytes:
        """Return the head line of index entries or labels, without its line break."""
        return orjson.dumps({"format_version": FORMAT_VERSION, **self.to_json()})


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One prediction record: its answers from row `offset` of the request on, one a row.

    `proba` holds whole millionths a class a row, None without probabilities; `slices` the cells of protected columns,
    None when the record has none. `rollout` is the one whose split of the traffic made it, "" for none.
    """

    id: str
    offset: int
    version: int
    variant: str
    rollout: str
    predict: Sequence[Cell]
    proba: Sequence[Sequence[int]] | None
    slices: Mapping[str, Sequence[Cell]] | None

    def part(self, start: int, stop: int) -> IndexEntry:
        """Return some of its rows, counted from its own first one, as an entry that starts at their first row."""
        return replace(
            self,
            offset=self.offset + start,
            predict=self.predict[start:stop],
            proba=self.proba and self.proba[start:stop],
            slices=self.slices and {name: cells[start:stop] for name, cells in self.slices.items()},
        )

    def to_line(self) -> bytes:
        """Return the stored line, without its line break."""
        rows = [(self.id, self.offset, self.predict, self.proba, self.slices)]
        (line,) = entry_lines(self.version, self.variant, self.rollout, rows)
        return line


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """One label that came back for a predicted row; `time` is when it was given."""

    id: str
    row: int
    label: str | float | bool
    time: str

    def to_line(self) -> bytes:
        """Return the stored line, without its line break, as bytes of their true size.

        What orjson returns holds on to kilobytes, and an object may bring a million labels.
        """
        document = {"id": self.id, "row": self.row, "label": self.label, "time": self.time}
        return bytes(memoryview(orjson.dumps(document)))


def entry_lines(version: int, variant: str, rollout: str, rows: Iterable[EntryRow]) -> list[bytes]:
    """Return the lines of entries that share version, variant and rollout: id, offset, predict, proba, slices of each.

    They are written together, from plain documents, because that takes an eighth of the time of one by one.
    """
    documents = [
        {
            "id": identifier,
            "offset": offset,
            "version": version,
            "variant": variant,
            "rollout": rollout,
            "predict": predict,
            "proba": proba,
            "slices": slices,
        }
        for identifier, offset, predict, proba, slices in rows
    ]
    # no text holds a bare quotation mark, and no list holds objects: this is where one document ends and one begins
    return orjson.dumps(documents)[1:-1].replace(b'},{"id":', b'}\n{"id":').split(b"\n")


def read_index_line(line: bytes) -> SourceObject | IndexEntry:
    """Return a line of the prediction index: its head or an entry.

    Raises ArtifactRefusedError for a head of an unknown format.
    """
    document = orjson.loads(line)
    if "predict" not in document:
        return _read_head(document, "prediction index")
    return IndexEntry(
        document["id"],
        document["offset"],
        document["version"],
        document["variant"],
        document["rollout"],
        document["predict"],
        document["proba"],
        document["slices"],
    )


def read_index(lines: Iterable[bytes]) -> Iterator[IndexEntry]:
    """Yield the entries of index lines, passing over the heads; raise ArtifactRefusedError for an unknown format."""
    for line in lines:
        entry = read_index_line(line)
        if isinstance(entry, IndexEntry):
            yield entry


def find_ids(body: bytes, ids: Collection[str]) -> set[str]:
    """Return those of the ids that predictions of an index object have, without reading its lines."""
    return {found for found in map(bytes.decode, _ID.findall(body)) if found in ids}


def read_label_line(line: bytes) -> SourceObject | LabelEntry:
    """Return a line of an object of labels: its head or a label.

    Raises ArtifactRefusedError for a head of an unknown format.
    """
    document = orjson.loads(line)
    if "label" not in document:
        return _read_head(document, "label object")
    return LabelEntry(document["id"], document["row"], document["label"], document["time"])


def read_labels(lines: Iterable[bytes]) -> Iterator[LabelEntry]:
    """Yield the labels of label lines, passing over the heads; raise ArtifactRefusedError for an unknown format."""
    for line in lines:
        label = read_label_line(line)
        if isinstance(label, LabelEntry):
            yield label


def _read_head(document: Any, what: str) -> SourceObject:
    with reading(what, document, FORMAT_VERSION):
        return SourceObject(document["key"], document["version_id"])
