"""A table in parts: the files of one folder below a model's, read as one table when a marker arrives beside them.

Whoever writes such a folder (Spark, Hive, a warehouse's unload) writes the marker last. The files that are there then,
each in the version that it has then, are the table; a file that comes later starts nothing until a marker comes again.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.storage import Bucket

FORMAT_VERSION = 1
_PART = re.compile(
    r"(?:part[-_.]\w.*|\d{6}_\d+|\d{4}_part_\d+|data_\d+_\d+_\d+|.*-\d{12}|.*-\d{5}-of-\d{5})(?:\..*)?", re.IGNORECASE
)  # Spark and Dask, Hive, Redshift, Snowflake, BigQuery, Beam
_NUMBERED = re.compile(
    r"(?:part-\d{5}(?:-.*)?|part\.\d+|\d{6}_\d+|\d{4}_part_\d+|data_\d+_\d+_\d+|.*-0{6}\d{6}|.*-\d{5}-of-\d{5})(?:\..*)?",
    re.IGNORECASE,
)  # of the same, what is hardly the name of a table of its own


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table: its key, its version and its size in bytes."""

    key: str
    version_id: str | None
    size: int

    @property
    def name(self) -> str:
        """Return the file's name."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class PartList:
    """The files that make one table, sorted by key, and why they do not, if they do not."""

    parts: tuple[Part, ...]
    refusal: str | None = None

    @property
    def size(self) -> int:
        """Return the size of all files."""
        return sum(part.size for part in self.parts)

    @property
    def digest(self) -> str:
        """Return the hex SHA-256 that is the table's identity: of every key with its version."""
        return sha256(json.dumps([[part.key, part.version_id] for part in self.parts]).encode()).hexdigest()

    def check(self) -> None:
        """Raise DatasetRejectedError when the files are not one table."""
        if self.refusal is not None:
            raise DatasetRejectedError(self.refusal)

    def to_bytes(self) -> bytes:
        """Return the stored document."""
        parts = [asdict(part) for part in self.parts]
        return json.dumps({"format_version": FORMAT_VERSION, "parts": parts, "refusal": self.refusal}).encode()


def is_marker(file: str) -> bool:
    """Return whether a file says that the folder it is in is complete; beside model.yaml none does."""
    folder, _, name = file.rpartition("/")
    return bool(folder) and keys.is_marker(name)


def reason_to_refuse(file: str) -> DatasetRejectedError | None:
    """Return why a file directly below a model is no table by itself: it has the name of a part file.

    Each of several parts would be taken for a table, and a version that knows a quarter of the rows might serve.
    """
    if "/" in file or not _NUMBERED.fullmatch(file):
        return None
    return DatasetRejectedError(
        f"{file[:80]!r} has the name of one of several part files, each of which would be trained on by itself: upload "
        "them into a folder of their own, and a marker (_SUCCESS) last, as `modelloop train FOLDER` does; if it is the "
        "whole table, give it another name"
    )


def reason_to_wait(data: Bucket, key: str, file: str) -> str | None:
    """Return why a file is no table by itself: its folder has a marker, or its name is that of a part."""
    folder, _, name = file.rpartition("/")
    if not folder:
        return None
    marked = any(is_marker(f"{folder}/{other}") for other in _names_beside(data, key))
    if not marked and not _PART.fullmatch(name):
        return None
    return f"the files of {folder}/ are one table, which is read when a marker (_SUCCESS or manifest) arrives there"


def is_first(data: Bucket, key: str) -> bool:
    """Return whether a key is the first one of its folder, so that one file speaks for all of them."""
    return next(data.list_keys(key.rpartition("/")[0] + "/", page_size=1), key) == key


def list_parts(marker: str, version_id: str | None, model: str, data: Bucket, artifacts: Bucket) -> PartList:
    """Return the files beside a version of a marker, listed and stored when this is asked for the first time."""
    place = _place(marker, version_id, model)
    if artifacts.head(place) is None:
        artifacts.put_once(place, _list(marker, data).to_bytes())
    return _read(artifacts.get(place))


def stored_parts(marker: str, version_id: str | None, model: str, artifacts: Bucket) -> PartList:
    """Return the files that were listed beside a version of a marker; raise NotFoundError when none were."""
    return _read(artifacts.get(_place(marker, version_id, model)))


def _place(marker: str, version_id: str | None, model: str) -> str:
    return keys.parts(model, sha256(f"{marker}\n{version_id}".encode()).hexdigest())


def _read(body: bytes) -> PartList:
    document = json.loads(body)
    return PartList(tuple(Part(**part) for part in document["parts"]), document["refusal"])


def _list(marker: str, data: Bucket) -> PartList:
    folder = marker.rpartition("/")[0] + "/"
    listed = [
        key for key in islice(data.list_keys(folder), 10 * keys.MAX_PARTS) if _is_visible(key.removeprefix(folder))
    ]
    shown = folder.removesuffix("/").rpartition("/")[2]
    nested = next((key.removeprefix(folder) for key in listed if "/" in key.removeprefix(folder)), None)
    if nested is not None:
        return PartList((), f"{shown}/ has a folder in it ({nested[:80]!r}): write one table without partitions")
    if len(listed) > keys.MAX_PARTS:
        return PartList((), f"{shown}/ has more than {keys.MAX_PARTS:,} files: write fewer and larger ones")
    heads = ((key, data.head(key)) for key in sorted(listed))
    parts = tuple(Part(key, head.version_id, head.bytes) for key, head in heads if head is not None and head.bytes)
    return PartList(parts, None if parts else f"{shown}/ has a marker and no files with content")


def _is_visible(file: str) -> bool:
    """Return whether a path in the folder is a table's: no part of it is hidden, and it is no marker or model.yaml."""
    hidden = any(step.startswith((".", "_")) for step in file.split("/"))
    return not (hidden or not file or file.endswith("/") or is_marker(f"x/{file}") or file == keys.SPEC_NAME)


def _names_beside(data: Bucket, key: str) -> Iterator[str]:
    folder = key.rpartition("/")[0] + "/"
    return (found.removeprefix(folder) for found in islice(data.list_keys(folder), 2 * keys.MAX_PARTS))
