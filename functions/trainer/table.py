"""The prepared table of a run: read from the artifacts bucket, refused unless every digest holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from modelloop import keys
from modelloop.errors import ArtifactRefusedError, DatasetRejectedError
from modelloop.spec.model import Spec, spec_from_json
from modelloop.tables.encoding import Encoding, encoding_from_json
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.aws.storage import Bucket

FORMAT_VERSION = 1
TIMES = "times.npy"
SLICES = "slices.npy"


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table: `matrix` is float32 [rows, slots]; `target` holds class indices or numbers."""

    matrix: NDArray[np.float32]
    target: NDArray[np.float64]
    times: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)

    def take(self, rows: NDArray[Any] | slice) -> Part:
        """Return some of the rows, by position or by mask; a slice shares their memory."""
        return Part(self.matrix[rows], self.target[rows], None if self.times is None else self.times[rows])


@dataclass(frozen=True)
class PreparedTable:
    """The table document, its encoding and spec, and all rows, ordered by the side of the split that each is on.

    `slices`, int16 [rows, columns], tells where each row stands in the document's `slices`: protected columns that are
    no features; -1 is missing.
    """

    document: dict[str, Any]
    encoding: Encoding
    spec: Spec
    rows: Part
    membership: NDArray[np.uint8]
    slices: NDArray[np.int16] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for rows in another order: each side would silently be made of others' rows."""
        if (self.membership[1:] < self.membership[:-1]).any():
            raise ValueError("the rows of a prepared table are ordered by the side of the split that each is on")

    @property
    def task(self) -> str:
        """Return classification or regression."""
        return str(self.document["task"])

    @property
    def classes(self) -> list[Any] | None:
        """The classes in the order of their indices; None for regression."""
        return self.document["classes"] if self.task == "classification" else None

    @cached_property
    def seed(self) -> int:
        """One seed for everything that is drawn: the same for the same model, table and spec."""
        told = f"{self.document['salt']}\n{self.document['dataset']['digest']}\n{self.spec.digest}"
        return int(sha256(told.encode()).hexdigest()[:8], 16)

    @cached_property
    def train(self) -> Part:
        """The rows to fit on."""
        return self._side(TRAIN)

    @cached_property
    def known(self) -> Part:
        """The rows that show what is usual: the training part, or of a brought model the reference rows, if any."""
        rows = self.train if self.train.rows else self.rows
        return rows if self.document["rows"] else rows.take(np.arange(0))

    @cached_property
    def unseen(self) -> Part:
        """The rows that nothing was fitted on."""
        return self.rows.take(self.membership != TRAIN)

    @cached_property
    def validation(self) -> Part:
        """The rows to choose, to stop early and to calibrate on."""
        return self._side(VALIDATION)

    @cached_property
    def holdout(self) -> Part:
        """The rows that nothing has seen."""
        return self._side(HOLDOUT)

    def _side(self, side: int) -> Part:
        """Return the rows of one side: they lie together, so they are not copied."""
        start, end = np.searchsorted(self.membership, [side, side + 1])
        return self.rows.take(slice(start, end))


def newest(*parts: Part) -> float | None:
    """Return the newest time (seconds since 1970, or the column's number) in some parts; None without times."""
    known = [part.times[~np.isnan(part.times)] for part in parts if part.times is not None]
    return max((float(times.max()) for times in known if len(times)), default=None)


def load(artifacts: Bucket, model: str, run_id: str, document: dict[str, Any]) -> PreparedTable:
    """Read the rows of a run's prepared table.

    Raises ArtifactRefusedError for a file that is not what the table document says, DatasetRejectedError when the
    split leaves a part, or a class of the training part, without rows.
    """
    files = read_files(artifacts, model, run_id, document)
    rows = Part(files["matrix.npy"], files["target.npy"].astype(np.float64), files.get(TIMES))
    table = prepared(document, rows, files["membership.npy"], files.get(SLICES))
    _check_parts(table)
    return table


def read_document(artifacts: Bucket, model: str, run_id: str) -> dict[str, Any]:
    """Read the document of a run's prepared table; raise ArtifactRefusedError when it is not one."""
    document: dict[str, Any] = orjson.loads(_get(artifacts, model, run_id, "table.json"))
    if document.get("format_version") != FORMAT_VERSION:
        raise ArtifactRefusedError(f"prepared table of format {document.get('format_version')!r}")
    return document


def prepared(
    document: dict[str, Any], rows: Part, membership: NDArray[np.uint8], slices: NDArray[np.int16] | None = None
) -> PreparedTable:
    """Put a prepared table together: rows in the order of their sides, on each side in that of the file."""
    encoding, spec = encoding_from_json(document["encoding"]), spec_from_json(document["spec"])
    spec = replace(spec, lines=document.get("spec_lines", {}))
    order = np.argsort(membership, kind="stable")
    slices = None if slices is None else slices[order]
    return PreparedTable(document, encoding, spec, rows.take(order), membership[order], slices)


def read_files(
    artifacts: Bucket, model: str, run_id: str, document: dict[str, Any], skip: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Read the arrays of a prepared table by name."""
    names = [name for name in document["files"] if name not in skip]
    return {name: read_array(read_file(artifacts, model, run_id, document, name)) for name in names}


def read_file(artifacts: Bucket, model: str, run_id: str, document: dict[str, Any], name: str) -> bytes:
    """Read one file of a prepared table; raise ArtifactRefusedError when it is not the one that intake wrote."""
    body, facts = _get(artifacts, model, run_id, name), document["files"][name]
    if len(body) != facts["bytes"] or sha256(body).hexdigest() != facts["sha256"]:
        raise ArtifactRefusedError(f"{name} of run {run_id} is not the file that intake wrote; upload the table again")
    return body


def read_array(body: bytes) -> NDArray[Any]:
    """Read a .npy file that holds plain numbers; pickled objects are refused."""
    array: NDArray[Any] = np.load(BytesIO(body), allow_pickle=False)
    return array


def _get(artifacts: Bucket, model: str, run_id: str, name: str) -> bytes:
    return artifacts.get(keys.prepared(model, run_id, name))


def _check_parts(table: PreparedTable) -> None:
    for name, part in (("training", table.train), ("validation", table.validation), ("holdout", table.holdout)):
        if not part.rows:
            raise DatasetRejectedError(
                f"no row falls into the {name} part; give the table at least 50 different rows, or change `holdout`"
            )
    if table.classes is not None:
        counts = np.bincount(table.train.target.astype(np.intp), minlength=len(table.classes))
        for label in np.flatnonzero(counts == 0)[:1]:
            raise DatasetRejectedError(
                f"class {table.classes[label]!r} has no row in the training part; add rows of it, or drop it",
                field=table.document["target"],
            )
