"""The baseline of a version: how its training part was distributed, in the bins that live traffic is counted in.

Number and date columns: at most 20 bins whose edges are quantiles of the training part; fewer when it is small, so
that a bin holds about 50 rows. A value that holds two or more quantiles gets a bin of its own, so that a mass point
is never blurred with its neighbours. Text and boolean columns: one bin a category. Missing values, and categories
the encoding does not know, are counted apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop.tables.grammar import label_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from modelloop.tables.encoding import Column, Encoding

FORMAT_VERSION = 1
MOST_BINS, FEWEST_BINS = 20, 5
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
) -> dict[str, Any]:
    """Return the baseline document of a version from its training part.

    `matrix` is [rows, slots] with NaN for missing; `predictions` are class indices (when `classes` is given) or
    numbers, one a row; columns in `mask` are left out. `times` (one a row, seconds since 1970 or any rising number)
    is for tables that are ordered in time: it adds what seasons alone make of a distribution. `unseen` are answers to
    rows that the version was not fitted on. They stand for its predictions, because a model's answers to its own rows
    are spread as the labels were, and no other rows' are.
    """
    usual = predictions if unseen is None else unseen.predictions
    columns = [
        _counted(_column_bins(column, matrix[:, slot]), matrix[:, slot])
        for column, slot in first_slots(encoding)
        if column.name not in mask
    ]
    document = {
        "format_version": FORMAT_VERSION,
        "rows": int(matrix.shape[0]),
        "columns": columns,
        "prediction": _counted(_prediction_bins(usual, classes), usual),
    }
    if times is not None:
        from modelloop.monitoring.drift import seasons  # noqa: PLC0415  the only part that needs numpy at import

        own = Answers(predictions, times)
        seasons.add(document, encoding, matrix, own, unseen or own)
    return document


def first_slots(encoding: Encoding) -> list[tuple[Column, int]]:
    """Return every column with the position of its first slot: the one that is watched (for dates, the day)."""
    starts, position = [], 0
    for column in encoding.columns:
        starts.append((column, position))
        position += len(column.slots())
    return starts


def count(bins: dict[str, Any], values: NDArray[Any]) -> tuple[list[int], int, int]:
    """Count slot values into bins; return the counts, how many are missing (NaN), how many unseen (unknown code).

    `bins` is a column of a baseline; bin i of a number column holds edges[i - 1] < value <= edges[i].
    """
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = values[~np.isnan(values)].astype(np.float64)
    missing = int(values.shape[0] - present.shape[0])
    if bins["edges"] is not None:
        found = np.searchsorted(np.asarray(bins["edges"], np.float64), present, side="left")
        return np.bincount(found, minlength=len(bins["edges"]) + 1).tolist(), missing, 0
    known = len(bins["categories"])
    counts = np.bincount(np.minimum(present.astype(np.int64), known), minlength=known + 1).tolist()
    return counts[:known], missing, counts[known]


def places(bins: dict[str, Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return every value's position among the counts, followed by those of missing and unseen, as `count` counts."""
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = ~np.isnan(values)
    edges, categories = bins["edges"], bins["categories"]
    width = len(categories) if edges is None else len(edges) + 1
    found = np.full(len(values), width)  # missing
    if edges is not None:
        found[present] = np.searchsorted(np.asarray(edges, np.float64), values[present].astype(np.float64), side="left")
    else:
        codes = values[present].astype(np.int64)
        found[present] = np.where(codes < width, codes, width + 1)  # unseen
    return found


def quantile_edges(values: NDArray[Any]) -> list[float]:
    """Return the rising inner edges of at most 20 bins of equal counts; NaN is ignored, mass points stand alone."""
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = np.sort(values[~np.isnan(values)])
    if not present.shape[0]:
        return []
    bins = min(max(present.shape[0] // ROWS_A_BIN, FEWEST_BINS), MOST_BINS)
    ranks = np.ceil(present.shape[0] * np.arange(1, bins) / bins).astype(np.int64) - 1
    levels, held = np.unique(present[np.maximum(ranks, 0)], return_counts=True)
    alone = levels[held > 1]
    with np.errstate(over="ignore"):  # below the lowest finite number lies infinity, and no bin
        below = np.nextafter(alone, np.array(-np.inf, present.dtype))
    smooth = levels[(held == 1) & (levels < present[-1])]
    edges = np.unique(np.concatenate([alone, below[np.isfinite(below)], smooth]))
    return [float(edge) for edge in edges]


def _column_bins(column: Column, values: NDArray[Any]) -> dict[str, Any]:
    numeric = column.kind in {"number", "date"}
    categories = BOOLEANS if column.kind == "boolean" else column.categories
    return {
        "name": column.name,
        "kind": column.kind,
        "edges": quantile_edges(values) if numeric else None,
        "categories": None if numeric else list(categories),
        "origin": column.origin,
    }


def _prediction_bins(predictions: NDArray[Any], classes: Sequence[object] | None) -> dict[str, Any]:
    return {
        "name": PREDICTION,
        "kind": "number" if classes is None else "text",
        "edges": quantile_edges(predictions) if classes is None else None,
        "categories": None if classes is None else [label_text(label) for label in classes],
        "origin": None,
    }


def _counted(bins: dict[str, Any], values: NDArray[Any]) -> dict[str, Any]:
    counts, missing, unseen = count(bins, values)
    moments = {"moments": _moments(values)} if bins["kind"] == "number" else {}
    return {**bins, "counts": counts, "missing": missing, "unseen": unseen, **moments}


def _moments(values: NDArray[Any]) -> dict[str, float | bool | None]:
    """Return what people read beside a distribution: least, largest, mean, sum, deviation, whether all are whole."""
    import numpy as np  # noqa: PLC0415  the control plane reads baselines without numpy

    present = values[~np.isnan(values)].astype(np.float64)
    if not present.shape[0]:
        return dict.fromkeys(("min", "max", "mean", "sum", "deviation", "whole"))
    whole = bool((present == np.rint(present)).all())
    with np.errstate(over="ignore"):
        found = {
            "min": present.min(), "max": present.max(), "mean": present.mean(), "sum": present.sum(),
            "deviation": present.std(),
        }  # fmt: skip
    return {name: float(value) if np.isfinite(value) else None for name, value in found.items()} | {"whole": whole}
