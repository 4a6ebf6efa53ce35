"""From sound predictions of one summary key to numbers and index entries; what does not fit its version is refused."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.captures.cells import check_shares, column_lists, one_a_row, probabilities, scalars
from modelloop.captures.rules import duration_ms
from modelloop.contracts.index_entry import entry_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from metrics_aggregation.watched import Watched
    from modelloop.captures.reader import Predictions
    from modelloop.contracts.capture_record import Cell
    from modelloop.monitoring.summary import SummaryKey

    type Floats = NDArray[np.float64]
    type Flags = NDArray[np.bool_]

_PPM = 1_000_000


class Values(NamedTuple):
    """Prediction records of one summary key as numbers: one cell, label or share a row, one latency a request."""

    rows: int
    sampled: int
    warm: Floats
    cold: Floats
    overhead: Floats
    columns: dict[str, Floats] | None  # None: no record has features
    prediction: Floats | None
    shares: Floats | None  # [rows with probabilities, classes]
    captured: Flags  # which rows have features
    partial: dict[str, Flags]  # of columns that not every record with features has: which of the captured rows do


def read(predictions: Predictions, watched: Watched) -> Values:
    """Return the values of prediction records of one summary key; raise InvalidValueError when a record is invalid.

    A request that was cut into chunks counts once, and its latency once: in the chunk with offset 0.
    """
    labels = scalars("predict", predictions.predict, predictions.rows)
    head = np.asarray([offset == 0 for offset in predictions.offset], np.bool_)
    cold = np.asarray(list(map(bool, predictions.cold)), np.bool_)
    latency = np.asarray(predictions.latency_ms, np.float64)
    captured = [cells for cells in predictions.columns if cells is not None]
    sampled = [rows for cells, rows in zip(predictions.columns, predictions.rows, strict=True) if cells is not None]
    return Values(
        sum(predictions.rows),
        sum(sampled),
        latency[head & ~cold],
        latency[head & cold],
        np.asarray(list(map(duration_ms, predictions.overhead_ms)), np.float64)[head],
        _columns(captured, sampled, watched) if captured else None,
        watched.prediction.read(labels) if watched.prediction else None,
        _shares(predictions, watched.expected.classes) if watched.expected.classes else None,
        np.repeat([cells is not None for cells in predictions.columns], predictions.rows),
        _partial(captured, sampled, watched),
    )


def index_entries(key: SummaryKey, predictions: Predictions, values: Values, watched: Watched) -> list[bytes]:
    """Return the index lines of records of one summary key, in their order."""
    rows = zip(
        predictions.id,
        predictions.offset,
        predictions.predict,
        _millionths(predictions, values),
        _slices(predictions, watched),
        strict=True,
    )
    return entry_lines(key.version, key.variant, key.rollout, rows)


def _columns(captured: Sequence[dict[str, list[Cell]]], rows: Sequence[int], watched: Watched) -> dict[str, Floats]:
    """Return every column's cells as values; a record that lacks a column, as masked ones do, says nothing of it."""
    columns = {}
    for column in watched.columns:
        name = column.expected.name
        lists, sizes = column_lists(captured, rows, name)
        if lists:
            columns[name] = column.read(one_a_row(f"column {name!r}", lists, sizes))
    for name in watched.expected.slices:
        scalars(f"column {name!r}", *column_lists(captured, rows, name))
    return columns


def _partial(captured: Sequence[dict[str, list[Cell]]], rows: Sequence[int], watched: Watched) -> dict[str, Flags]:
    """Return, for the paired columns that some record with features lacks, which captured rows have them."""
    partial = {}
    for name in watched.paired_names:
        having = [name in cells for cells in captured]
        if not all(having):
            partial[name] = np.repeat(having, rows)
    return partial


def _shares(predictions: Predictions, classes: int) -> Floats:
    """Return the probabilities of the rows that have some, [rows, classes]."""
    shares = np.asarray(probabilities(predictions.proba, predictions.rows, classes), np.float64).reshape(-1, classes)
    check_shares(np.abs(shares).max() if shares.size else 0.0)
    return shares


def _millionths(predictions: Predictions, values: Values) -> Iterator[list[list[int]] | None]:
    """Yield every record's probabilities in millionths."""
    if values.shares is None:
        yield from [None] * len(predictions.id)
        return
    rest = iter(np.rint(values.shares * _PPM).astype(np.int64).tolist())
    for proba, rows in zip(predictions.proba, predictions.rows, strict=True):
        yield None if proba is None else list(islice(rest, rows))


def _slices(predictions: Predictions, watched: Watched) -> Iterator[dict[str, list[Cell]] | None]:
    for cells in predictions.columns:
        yield {name: cells[name] for name in watched.expected.slices if name in cells} or None if cells else None
