"""Counting rows by pairs of columns: which columns, in which bins, in training and live alike.

At most 12 columns that are watched and can raise an alarm, and the predictions: the eight that the model depends on
most, and those that go together with these most. (A model that uses one of two twins depends on the other one not at
all, but only the two of them show that they came apart.) A column of one bin says nothing and is left out.

Number columns have at most five bins of about equal counts, made of the baseline's own; text columns the three most
frequent categories and the others. Missing values are one more bin, and so are the categories of text that the encoding
does not know. Masked columns are not in a baseline, so not here either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.contracts.pairs import MAX_COLUMNS, MAX_GROUPS, PairedColumn, Pairs, pairs_of
from modelloop.monitoring.drift.baseline import first_slots, places
from modelloop.monitoring.drift.pair_seasons import seasons

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline, BaselineColumn
    from modelloop.tables.encoding import Encoding

    Codes = NDArray[np.int8]

MAX_IMPORTANT = 8  # the other places are for what goes together with these
MAX_LOOKED_AT = 20_000  # rows, to see what goes together
VALUE_BINS, TEXT_BINS = 5, 4
ABSENT = -1  # the bin of a row that says nothing of a column


class AnsweredRows(NamedTuple):
    """Encoded rows, a version's answers to them (class indices or numbers), and their times where they are ordered."""

    matrix: NDArray[np.float32]
    predictions: NDArray[Any]
    times: NDArray[np.float64] | None = None


def with_pairs(
    baseline: Baseline, encoding: Encoding, important: Sequence[str], training: AnsweredRows, unseen: AnsweredRows
) -> Baseline:
    """Return the baseline with its pairs of columns.

    `important` names columns, the most important first; others follow in the table's order. As in the baseline,
    features are counted over the training part, and answers over rows that the version was not fitted on (`unseen`;
    they may be the same). Nothing is added where fewer than two columns are left.
    """
    columns = _chosen(baseline, encoding, important, training)
    if len(columns) < 2:  # noqa: PLR2004  a pair
        return baseline
    own = _codes(baseline, encoding, columns, training)
    other = own if unseen is training else _codes(baseline, encoding, columns, unseen)
    fitted, asked = count(columns, own), count(columns, other)
    counts = [
        cell
        for pair in pairs_of(columns)
        for cell in (asked if columns[pair.second].is_prediction else fitted)[pair.cells]
    ]
    if training.times is None:
        return replace(baseline, pairs=Pairs(columns, tuple(counts)))
    return replace(baseline, pairs=Pairs(columns, tuple(counts), seasons(columns, own, training.times)))


def grouped(column: PairedColumn, positions: NDArray[Any]) -> Codes:
    """Return the bins of pairs of positions among a column's counts, as `baseline.places` returns them."""
    codes: Codes = np.asarray(column.groups, np.int8)[positions]
    return codes


def count(columns: Sequence[PairedColumn], codes: Sequence[Codes]) -> list[int]:
    """Return the cells of all pairs: how many rows have which bins; absent ones say nothing of the column's pairs."""
    counts: list[int] = []
    partial = [bool((own < 0).any()) for own in codes]
    for pair in pairs_of(columns):
        first, second = codes[pair.first], codes[pair.second]
        if partial[pair.first] or partial[pair.second]:
            told = (first >= 0) & (second >= 0)
            first, second = first[told], second[told]
        width, cells = columns[pair.second].size, pair.cells.stop - pair.cells.start
        counts += np.bincount(first * np.int8(width) + second, minlength=cells).tolist()
    return counts


def _chosen(
    baseline: Baseline, encoding: Encoding, important: Sequence[str], rows: AnsweredRows
) -> tuple[PairedColumn, ...]:
    """Return the columns whose pairs are counted, with their bins; the predictions are last."""
    answers = baseline.prediction
    last = (PairedColumn(answers.name, _groups(answers), is_prediction=True),) if _is_spread(answers) else ()
    usable = {
        column.name: PairedColumn(column.name, _groups(column))
        for column in baseline.columns
        if column.kind != "date" and not column.informational and _is_spread(column)
    }
    first = [name for name in dict.fromkeys((*important, *usable)) if name in usable]
    if len(first) > MAX_COLUMNS:
        few = AnsweredRows(rows.matrix[:MAX_LOOKED_AT], rows.predictions[:MAX_LOOKED_AT])
        codes = _codes(baseline, encoding, [usable[name] for name in first], few)
        chosen, others = range(MAX_IMPORTANT), range(MAX_IMPORTANT, len(first))
        shared = {at: max(_shared(codes[at], codes[by]) for by in chosen) for at in others}
        beside = sorted(others, key=lambda at: -shared[at])[: MAX_COLUMNS - MAX_IMPORTANT]
        first = [first[at] for at in (*chosen, *beside)]
    return (*(usable[name] for name in first), *last)


def _shared(first: Codes, second: Codes) -> float:
    """Return how much two columns say of each other: mutual information in nats, less what chance adds on average."""
    counts = np.bincount(first * np.int8(MAX_GROUPS) + second, minlength=MAX_GROUPS**2).reshape(MAX_GROUPS, MAX_GROUPS)
    by_first, by_second, rows = counts.sum(axis=1), counts.sum(axis=0), int(counts.sum())
    some = counts > 0
    expected = np.outer(by_first, by_second) / rows
    known = float((counts[some] * np.log(counts[some] / expected[some])).sum()) / rows
    freedom = (np.count_nonzero(by_first) - 1) * (np.count_nonzero(by_second) - 1)
    return known - freedom / (2 * rows)


def _codes(baseline: Baseline, encoding: Encoding, columns: Sequence[PairedColumn], rows: AnsweredRows) -> list[Codes]:
    slots = {column.name: slot for column, slot in first_slots(encoding)}
    known = {column.name: column.bins for column in baseline.columns}
    return [
        grouped(column, places(baseline.prediction.bins, rows.predictions))
        if column.is_prediction
        else grouped(column, places(known[column.name], rows.matrix[:, slots[column.name]]))
        for column in columns
    ]


def _is_spread(column: BaselineColumn) -> bool:
    """Return whether pairs have two bins or more to tell its rows apart by."""
    filled = zip(_groups(column), (*column.counts, column.missing, column.unseen), strict=True)
    return len({group for group, amount in filled if amount}) > 1


def _groups(column: BaselineColumn) -> tuple[int, ...]:
    """Return which bin of pairs each bin of a column, then missing and unseen, belongs to."""
    if column.bins.edges is not None:
        values = _neighbours(column.counts)
        return (*values, max(values) + 1, max(values) + 1)  # numbers are never unseen
    values = _most_frequent(column.counts)
    top = max(values, default=-1)
    return (*values, top + 1, top + 2)


def _neighbours(counts: Sequence[int]) -> list[int]:
    """Return at most five groups of neighbouring bins, of about equal counts."""
    whole, below, wanted = max(sum(counts), 1), 0, []
    for amount in counts:
        wanted.append(min(int(VALUE_BINS * (below + amount / 2) / whole), VALUE_BINS - 1))
        below += amount
    kept = sorted(set(wanted))
    return [kept.index(group) for group in wanted]


def _most_frequent(counts: Sequence[int]) -> list[int]:
    """Return a group of its own for each of few categories, else for the three most frequent, and one for the rest."""
    ranked = sorted(range(len(counts)), key=lambda at: (-counts[at], at))
    groups = [0] * len(counts)
    for rank, at in enumerate(ranked):
        groups[at] = min(rank, TEXT_BINS - 1)
    return groups
