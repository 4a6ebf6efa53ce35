"""For whom a model is worse: metrics of the slices of protected columns."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.evaluation import ColumnSlices, SliceMetrics
from modelloop.monitoring.drift.baseline import first_slots, quantile_edges
from modelloop.tables.encoding import MAX_CATEGORIES
from modelloop.tables.readers import EPOCH
from modelloop.tables.slices import spans
from modelloop.tables.split import HOLDOUT
from trainer.evaluation.bootstrap import intervals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelloop.tables.encoding import Column
    from trainer.rows import Predictions
    from trainer.table import PreparedTable

    type Slices = Iterator[tuple[str, NDArray[np.bool_]]]

MIN_ROWS = 20
PARTS = 4


def slices(table: PreparedTable, predictions: Predictions, metric: str) -> tuple[ColumnSlices, ...]:
    """Return the metrics, the gate's first, of every slice of the protected columns with at least 20 holdout rows.

    Texts and booleans are sliced by value, numbers and dates by quarters; columns that are no features by what intake
    wrote of them. Columns in `mask`, and columns of which nothing is known, are named with the reason.
    """
    return tuple(_sliced(table, predictions, name, metric) for name in table.spec.protected)


def _sliced(table: PreparedTable, predictions: Predictions, name: str, metric: str) -> ColumnSlices:
    masks = _masks(table, name)
    if masks is None:
        return ColumnSlices(name, "masked" if name in table.spec.mask else "not a feature of the model")
    values = tuple(
        SliceMetrics(label, part.counted_once().rows, intervals(part, table.seed, (metric,)))
        for label, part in ((label, predictions.take(np.flatnonzero(rows))) for label, rows in masks)
        if part.counted_once().rows >= MIN_ROWS
    )
    return ColumnSlices(name, None, values)


def _masks(table: PreparedTable, name: str) -> Slices | None:
    """Return the labels of a column's slices with the holdout rows in each, bool [rows]; None for unknown columns."""
    if name in table.spec.mask:
        return None
    for column, place in first_slots(table.encoding):
        if column.name == name:
            return _of_feature(column, table.holdout.matrix[:, place].astype(np.float64))
    for place, described in enumerate(table.facts.slices):
        if described.name == name and table.slices is not None:
            return _of_codes(described.labels, table.slices[table.membership == HOLDOUT, place])
    return None


def _of_feature(column: Column, values: NDArray[np.float64]) -> Slices:
    if column.kind in {"text", "boolean"}:
        names = ("false", "true") if column.kind == "boolean" else column.categories[:MAX_CATEGORIES]
        yield from ((name, values == code) for code, name in enumerate(names))
        if column.kind == "text":
            yield "rare", values >= len(names)
    else:
        edges = quantile_edges(values)
        chosen = [edges[len(edges) * part // PARTS] for part in range(1, PARTS)] if len(edges) >= PARTS else edges
        place = np.where(np.isnan(values), -1, np.searchsorted(chosen, values, side="left"))
        for number, label in enumerate(spans([_fence(column, edge) for edge in chosen])):
            yield label, place == number
    yield "missing", np.isnan(values)


def _of_codes(labels: Sequence[str], codes: NDArray[np.int16]) -> Slices:
    yield from ((label, codes == place) for place, label in enumerate(labels))
    yield "missing", codes < 0


def _fence(column: Column, edge: float) -> str:
    if column.kind == "date":
        return (date.fromisoformat(column.origin or EPOCH) + timedelta(days=int(edge // 1))).isoformat()
    return f"{edge:g}"
