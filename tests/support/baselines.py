"""Baselines that tests write by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.contracts.baseline import Baseline, BaselineColumn, Bins, Moments

if TYPE_CHECKING:
    from collections.abc import Sequence


def numbers(name: str, edges: Sequence[float], counts: Sequence[int] = (), mean: float | None = None) -> BaselineColumn:
    moments = None if mean is None else Moments(None, None, mean, None, None, None)
    return BaselineColumn(name, "number", Bins(tuple(edges), None), None, tuple(counts), 0, 0, moments)


def labels(name: str, categories: Sequence[str], counts: Sequence[int] = (), missing: int = 0) -> BaselineColumn:
    return BaselineColumn(name, "text", Bins(None, tuple(categories)), None, tuple(counts), missing, 0)


def baseline_of(*columns: BaselineColumn, prediction: BaselineColumn | None = None) -> Baseline:
    answers = prediction or labels("prediction", ["no", "yes"], [0, 0])
    return Baseline(max((column.rows for column in columns), default=0), columns, answers)
