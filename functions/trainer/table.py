"""The prepared table of a run: read from the artifacts bucket, refused unless every digest holds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import keys
from modelloop.errors import ArtifactRefusedError, DatasetRejectedError
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from modelloop.versions.prepared_table import table_document_from_bytes
from trainer.rows import Contents, Part, newest_time

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from modelloop.aws.storage import Bucket
    from modelloop.spec.model import Spec
    from modelloop.tables.encoding import Encoding
    from modelloop.versions.prepared_table import Label, TableDocument, TableFacts

MATRIX, TARGET, MEMBERSHIP, TIMES, SLICES = "matrix.npy", "target.npy", "membership.npy", "times.npy", "slices.npy"
CONTENTS, GROUPS = "contents.npy", "groups.npy"

type Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class PreparedTable:
    """The table's document, the encoding of its model, and all rows, ordered by the side of the split each is on.

    `membership`, uint8 [rows], has the side of each row. `slices`, int16 [rows, columns], has the place of each row
    among the labels of the document's `slices`: protected columns that are no features; -1 is missing. `groups`, int32
    [rows], are equal for rows of one group, where rows are split by groups.
    """

    document: TableDocument
    encoding: Encoding
    rows: Part
    membership: NDArray[np.uint8]
    slices: NDArray[np.int16] | None = None
    groups: NDArray[np.int32] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for rows in another order: each side would silently be made of others' rows."""
        if (self.membership[1:] < self.membership[:-1]).any():
            raise ValueError("the rows of a prepared table are ordered by the side of the split that each is on")

    @property
    def facts(self) -> TableFacts:
        """Return what preparing the table found out."""
        return self.document.facts

    @property
    def spec(self) -> Spec:
        """Return what model.yaml asks for."""
        return self.document.facts.spec

    @property
    def task(self) -> str:
        """Return classification or regression."""
        return self.document.facts.task

    @property
    def target(self) -> str | None:
        """Return the name of the target column; None for an imported model that names none."""
        return self.document.facts.target

    @cached_property
    def classes(self) -> tuple[Label, ...] | None:
        """The classes in the order of their indices; None for regression."""
        classes = self.document.facts.classes
        return None if classes is None or self.task != "classification" else tuple(classes)

    @cached_property
    def seed(self) -> int:
        """One seed for everything that is drawn: the same for the same model, table and spec."""
        identity = f"{self.facts.salt}\n{self.document.dataset.digest}\n{self.spec.digest}"
        return int(sha256(identity.encode()).hexdigest()[:8], 16)

    @cached_property
    def train(self) -> Part:
        """The rows to fit on."""
        return self._side(TRAIN)

    @cached_property
    def fitting_rows(self) -> Part:
        """The rows that a model may be fitted on: the training part, then the validation part."""
        return self.rows.take(slice(0, self.train.rows + self.validation.rows))

    @cached_property
    def reference_rows(self) -> Part:
        """The rows that show what is usual: the training part, or of an imported model its reference rows, if any."""
        rows = self.train if self.train.rows else self.rows
        return rows if self.facts.rows else rows.take(np.arange(0))

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
        """The rows that no fit and no choice has seen."""
        return self._side(HOLDOUT)

    @property
    def trained_until(self) -> float | None:
        """Return the newest time that a model of this table is fitted or chosen on; None without times."""
        return newest_time(self.train, self.validation)

    def _side(self, side: int) -> Part:
        """Return the rows of one side: they lie together, so they are not copied."""
        start, end = np.searchsorted(self.membership, [side, side + 1])
        return self.rows.take(slice(start, end))


def load_table(artifacts: Bucket, document: TableDocument) -> PreparedTable:
    """Return the prepared table of a document.

    Raises ArtifactRefusedError for a file that is not what the document says, DatasetRejectedError when the split
    leaves a part, or a class of the training part, without rows.
    """
    files = read_files(artifacts, document)
    codes = files.get(CONTENTS)
    contents = None if codes is None else Contents(codes, document.facts.split.copies)
    rows = Part(files[MATRIX], files[TARGET].astype(np.float64), files.get(TIMES), contents)
    table = order_rows(document, rows, files[MEMBERSHIP], files.get(SLICES), files.get(GROUPS))
    _check_parts(table)
    return table


def read_document(artifacts: Bucket, model: str, run_id: str) -> TableDocument:
    """Return the document of a run's prepared table; raise ArtifactRefusedError when it is not one."""
    return table_document_from_bytes(_get(artifacts, model, run_id, "table.json"))


def order_rows(
    document: TableDocument,
    rows: Part,
    membership: NDArray[np.uint8],
    slices: NDArray[np.int16] | None = None,
    groups: NDArray[np.int32] | None = None,
) -> PreparedTable:
    """Return the table with its rows in the order of their sides, on each side in that of the file."""
    order = np.argsort(membership, kind="stable")
    slices = None if slices is None else slices[order]
    groups = None if groups is None else groups[order]
    return PreparedTable(document, document.facts.encoding, rows.take(order), membership[order], slices, groups)


def read_files(artifacts: Bucket, document: TableDocument, skip: Collection[str] = ()) -> Arrays:
    """Return the arrays of a prepared table by file name."""
    return {name: _read_array(read_file(artifacts, document, name)) for name in document.files if name not in skip}


def read_file(artifacts: Bucket, document: TableDocument, name: str) -> bytes:
    """Return one file of a prepared table; raise ArtifactRefusedError when it is not the one that intake wrote."""
    run_id, described = document.run_id, document.files[name]
    body = _get(artifacts, document.facts.model, run_id, name)
    if len(body) != described.bytes or sha256(body).hexdigest() != described.sha256:
        raise ArtifactRefusedError(f"{name} of run {run_id} is not the file that intake wrote; upload the table again")
    return body


def _read_array(body: bytes) -> NDArray[Any]:
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
                field=table.target,
            )
