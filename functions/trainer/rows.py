"""Rows of a table, and what a model predicts of them: the plain types that fitting and judging share."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANCHOR_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a table.

    `matrix` is float32 [rows, slots]; `target` holds class indices or numbers, float64 [rows]. `times`, for tables that
    are ordered in time, are seconds since 1970 or other rising numbers, NaN where missing, float64 [rows].
    """

    matrix: NDArray[np.float32]
    target: NDArray[np.float64]
    times: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.target)

    def take(self, rows: NDArray[Any] | slice) -> Part:
        """Return some of the rows, by position or by mask; a slice shares their memory."""
        return Part(self.matrix[rows], self.target[rows], None if self.times is None else self.times[rows])


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model predicts of rows, beside the truth.

    Classification: `target` and `predicted` are class indices [rows], `proba` is [rows, classes]. Regression: `target`
    and `predicted` are numbers, `proba` is None.
    """

    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    proba: NDArray[np.float64] | None

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.target)

    def take(self, rows: NDArray[np.intp]) -> Predictions:
        """Return the predictions of some of the rows, by position."""
        proba = None if self.proba is None else self.proba[rows]
        return Predictions(self.target[rows], self.predicted[rows], proba)


class Predictor(Protocol):
    """Predicts rows of its own encoding. A slow one limits how many it is asked about."""

    @property
    def max_rows(self) -> int:
        """Return how many rows it can be asked about in reasonable time."""
        ...

    def predict(self, part: Part) -> Predictions:
        """Return what it predicts of the rows, beside the truth."""
        ...


def newest_time(*parts: Part) -> float | None:
    """Return the newest time in some parts; None where no row has one."""
    present = [part.times[~np.isnan(part.times)] for part in parts if part.times is not None]
    return max((float(times.max()) for times in present if len(times)), default=None)


def subsample(rows: int, max_rows: int, seed: int) -> NDArray[np.intp]:
    """Return the rising positions of at most `max_rows` of the rows, drawn without replacement."""
    if rows <= max_rows:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, max_rows, replace=False))


def pack_anchor(holdout: Part, seed: int) -> bytes:
    """Return at most 20,000 holdout rows as the file that later versions are compared on."""
    kept = holdout.take(subsample(holdout.rows, ANCHOR_ROWS, seed))
    arrays: dict[str, NDArray[Any]] = {"matrix": kept.matrix, "target": kept.target}
    if kept.times is not None:
        arrays["times"] = kept.times
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_anchor(body: bytes) -> Part:
    """Return the rows of a packed anchor."""
    with np.load(BytesIO(body), allow_pickle=False) as arrays:
        return Part(arrays["matrix"], arrays["target"], arrays.get("times"))
