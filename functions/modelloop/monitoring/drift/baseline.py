"""Building a version's baseline: its training part, counted in the bins that live traffic is counted in.

Number and date columns: at most 20 bins whose edges are quantiles of the training part; fewer when it is small, so
that a bin holds about 50 rows. A value that holds two or more quantiles gets a bin of its own, so that a mass point
is never merged with its neighbours. Text and boolean columns: one bin a category. Missing values, and categories
that the encoding does not know, are counted apart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop.contracts.baseline import Baseline, BaselineColumn, Bins, Moments
from modelloop.tables.grammar import label_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from modelloop.tables.encoding import Column, Encoding
    from modelloop.versions.novelty import Novelty

MAX_BINS, MIN_BINS = 20, 5
ROWS_A_BIN = 50
PREDICTION = "prediction"
BOOLEANS = ("false", "true")


class Answers(NamedTuple):
    """A version's answers to rows, class indices or numbers, and the rows' times, where they are ordered in time."""

    predictions: NDArray[Any]
    times: NDArray[np.float64] | None = None


def build(
    encoding: Encoding,
    matrix: NDArray[np.float32],
    predictions: NDArray[Any],
    classes: Sequence[object] | None,
    mask: Collection[str],
    *,
    times: NDArray[np.float64] | None = None,
    unseen: Answers | None = None,
) -> Baseline:
    """Return the baseline of a version from its training part.

    `matrix` is [rows, slots] with NaN for missing; `predictions` are class indices (when `classes` is given) or
    numbers, one a row; columns in `mask` are left out. `times` (one a row, seconds since 1970 or any rising number)
    is for tables that are ordered in time: it adds what seasons alone make of a distribution. `unseen` are answers to
    rows that the version was not fitted on. They are counted as its predictions, because a model's answers to its own
    rows are spread as the labels were, and answers to other rows are not.
    """
    shown = predictions if unseen is None else unseen.predictions
    columns = tuple(
        _counted_column(column, matrix[:, slot]) for column, slot in first_slots(encoding) if column.name not in mask
    )
    baseline = Baseline(int(matrix.shape[0]), columns, _counted_prediction(shown, classes))
    if times is None:
        return baseline
    from modelloop.monitoring.drift import seasons  # noqa: PLC0415  the only part that needs numpy at import

    own = Answers(predictions, times)
    return seasons.with_seasons(baseline, encoding, matrix, own, unseen or own)


def without_alarms(baseline: Baseline, names: Collection[str]) -> Baseline:
    """Return a baseline of which the named columns are shown only, and never a reason for an alarm."""
    columns = (replace(column, informational=True) if column.name in names else column for column in baseline.columns)
    return replace(baseline, columns=tuple(columns))


def with_novelty(baseline: Baseline, novelty: Mapping[str, Novelty]) -> Baseline:
    """Return a baseline whose columns know how often they bring new values."""
    columns = (replace(column, novelty=novelty.get(column.name)) for column in baseline.columns)
    return replace(baseline, columns=tuple(columns))


def first_slots(encoding: Encoding) -> list[tuple[Column, int]]:
    """Return every column with the position of its first slot: the one that is watched (for dates, the day)."""
    starts, position = [], 0
    for column in encoding.columns:
        starts.append((column, position))
        position += len(column.slots())
    return starts


def count(bins: Bins, values: NDArray[Any]) -> tuple[list[int], int, int]:
    """Count slot values into bins; return the counts, how many are missing (NaN), how many unseen (unknown code)."""
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = values[~np.isnan(values)].astype(np.float64)
    missing = int(values.shape[0] - present.shape[0])
    if bins.edges is not None:
        positions = np.searchsorted(np.asarray(bins.edges, np.float64), present, side="left")
        return np.bincount(positions, minlength=len(bins.edges) + 1).tolist(), missing, 0
    width = len(bins.categories or ())
    counts = np.bincount(np.minimum(present.astype(np.int64), width), minlength=width + 1).tolist()
    return counts[:width], missing, counts[width]


def places(bins: Bins, values: NDArray[Any]) -> NDArray[Any]:
    """Return every value's position among the counts, followed by those of missing and unseen, as `count` counts."""
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = ~np.isnan(values)
    width = len(bins.categories or ()) if bins.edges is None else len(bins.edges) + 1
    positions = np.full(len(values), width)  # missing
    if bins.edges is not None:
        edges = np.asarray(bins.edges, np.float64)
        positions[present] = np.searchsorted(edges, values[present].astype(np.float64), side="left")
    else:
        codes = values[present].astype(np.int64)
        positions[present] = np.where(codes < width, codes, width + 1)  # unseen
    return positions


def quantile_edges(values: NDArray[Any]) -> list[float]:
    """Return the rising inner edges of at most 20 bins of equal counts; NaN is ignored, mass points stand alone."""
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = np.sort(values[~np.isnan(values)])
    if not present.shape[0]:
        return []
    bins = min(max(present.shape[0] // ROWS_A_BIN, MIN_BINS), MAX_BINS)
    ranks = np.ceil(present.shape[0] * np.arange(1, bins) / bins).astype(np.int64) - 1
    levels, held = np.unique(present[np.maximum(ranks, 0)], return_counts=True)
    alone = levels[held > 1]
    with np.errstate(over="ignore"):  # below the lowest finite number lies infinity, and no bin
        below = np.nextafter(alone, np.array(-np.inf, present.dtype))
    smooth = levels[(held == 1) & (levels < present[-1])]
    edges = np.unique(np.concatenate([alone, below[np.isfinite(below)], smooth]))
    return [float(edge) for edge in edges]


def _counted_column(column: Column, values: NDArray[Any]) -> BaselineColumn:
    if column.kind in {"number", "date"}:
        bins = Bins(tuple(quantile_edges(values)), None)
    else:
        bins = Bins(None, BOOLEANS if column.kind == "boolean" else tuple(column.categories))
    return _counted(column.name, column.kind, bins, column.origin, values)


def _counted_prediction(predictions: NDArray[Any], classes: Sequence[object] | None) -> BaselineColumn:
    if classes is None:
        return _counted(PREDICTION, "number", Bins(tuple(quantile_edges(predictions)), None), None, predictions)
    return _counted(PREDICTION, "text", Bins(None, tuple(map(label_text, classes))), None, predictions)


def _counted(name: str, kind: str, bins: Bins, origin: str | None, values: NDArray[Any]) -> BaselineColumn:
    counts, missing, unseen = count(bins, values)
    moments = _moments(values) if kind == "number" else None
    return BaselineColumn(name, kind, bins, origin, tuple(counts), missing, unseen, moments)


def _moments(values: NDArray[Any]) -> Moments:
    """Return what people read beside a distribution."""
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = values[~np.isnan(values)].astype(np.float64)
    if not present.shape[0]:
        return Moments(None, None, None, None, None, None)

    def finite(value: np.float64) -> float | None:
        return float(value) if np.isfinite(value) else None

    with np.errstate(over="ignore"):
        return Moments(
            min=finite(present.min()),
            max=finite(present.max()),
            mean=finite(present.mean()),
            sum=finite(present.sum()),
            deviation=finite(present.std()),
            whole=bool((present == np.rint(present)).all()),
        )
