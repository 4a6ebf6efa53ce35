"""Versions as monitoring sees them: columns of their baselines, made ready to count captured cells with."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import keys
from modelloop.aws.registry import manifests
from modelloop.captures.cells import DATE, LABEL, NUMBER, TEXT, day_number, expected_columns, read_cells
from modelloop.errors import NotFoundError
from modelloop.monitoring.drift import baseline
from modelloop.monitoring.summary import MILLIONTHS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.aws.storage import Bucket
    from modelloop.captures.cells import ExpectedColumn
    from modelloop.contracts.baseline import BaselineColumn
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.manifest import Manifest

MAX_VERSIONS = 64
MAX_VALUE = 1e20  # a sum in millionths takes values up to here, so that no engine's integers overflow
_SAFE = float(1 << 62)
_RUN_ID = re.compile(r"[0-9a-f-]{36}")


class WatchedColumn:
    """One column of a baseline (or its prediction): reads captured cells into slot values and counts them."""

    def __init__(self, expected: ExpectedColumn, column: BaselineColumn) -> None:
        self.expected = expected
        self._column = column

    def read(self, cells: list[Any]) -> NDArray[np.float64]:
        """Return captured cells as slot values, NaN for missing; raise InvalidValueError for a cell of a wrong type."""
        checked = read_cells(self.expected, cells)
        if self.expected.kind in {TEXT, LABEL}:
            codes, other = self._code_by_text, float(len(self._column.bins.categories or ()))
            return np.fromiter(map(codes.get, checked, repeat(other)), np.float64, len(checked))
        values = np.asarray(checked, np.float64)
        return values - day_number(self._column.origin or "1970-01-01") if self.expected.kind == DATE else values

    def places(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return every slot value's bin of the baseline, followed by those of missing and unseen."""
        return baseline.places(self._column.bins, values)

    def count(self, values: NDArray[np.float64], places: NDArray[np.intp]) -> Counts:
        """Count slot values in the bins of the baseline; `places` are theirs."""
        width = baseline.width(self._column.bins)
        *in_bins, missing, unseen = np.bincount(places, minlength=width + 2).tolist()
        counts: Counts = {"counts": in_bins, "missing": missing, "unseen": unseen}
        return counts | ({"millionths": millionths(values)} if self.expected.kind == NUMBER else {})

    @cached_property
    def _code_by_text(self) -> dict[str | None, float]:
        return {None: np.nan} | {text: float(code) for code, text in enumerate(self._column.bins.categories or ())}


class Watched:
    """A version as monitoring sees it, from its manifest."""

    def __init__(self, manifest: Manifest) -> None:
        self.model, self.version = manifest.model, manifest.version
        self.expected = expected_columns(manifest)
        columns = zip(self.expected.columns, manifest.baseline.columns, strict=True)
        self.columns = [WatchedColumn(expected, column) for expected, column in columns]
        prediction = self.expected.prediction
        self.prediction = WatchedColumn(prediction, manifest.baseline.prediction) if prediction else None
        pairs = manifest.baseline.pairs
        self.paired = pairs.columns if pairs and (prediction or not pairs.columns[-1].is_prediction) else ()
        self.paired_names = [column.name for column in self.paired if not column.is_prediction]


class VersionLookup:
    """Versions by their manifests, models by their serving pointers; only what exists is remembered."""

    def __init__(self, artifacts: Bucket) -> None:
        self._artifacts = artifacts
        self._versions: dict[tuple[str, str], Watched] = {}
        self._models: set[str] = set()

    def version(self, model: str, run_id: str) -> Watched | None:
        """Return a version, or None when there is no such one."""
        if not _RUN_ID.fullmatch(run_id):
            return None
        if (model, run_id) not in self._versions:
            try:
                watched = Watched(manifests.read(self._artifacts, model, run_id))
            except NotFoundError:
                return None
            if len(self._versions) >= MAX_VERSIONS:
                self._versions.clear()
            self._versions[model, run_id] = watched
        return self._versions[model, run_id]

    def model(self, model: str) -> bool:
        """Return whether anything was ever published under that name."""
        if model not in self._models and self._artifacts.head(keys.pointer(model)):
            self._models.add(model)
        return model in self._models


def millionths(values: NDArray[np.float64]) -> int:
    """Return the sum of the values that are not NaN in fixed point: exact, so that no order or split matters."""
    scaled = np.rint(np.clip(values[~np.isnan(values)], -MAX_VALUE, MAX_VALUE) * MILLIONTHS)
    if scaled.shape[0] and float(np.abs(scaled).max()) * scaled.shape[0] >= _SAFE:
        return sum(int(value) for value in scaled.tolist())
    return int(scaled.astype(np.int64).sum())
