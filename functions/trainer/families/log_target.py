"""Estimators that are fitted to the logarithm of the target, and answer in the target's own unit.

What a fit on logarithms answers depends on its loss. Quantiles, the median among them, go through the exponential as
they are. The mean does not: squared error finds the mean logarithm, and its exponential is too low. So such answers are
multiplied by a smearing factor (Duan, "Smearing estimate: a nonparametric retransformation method", 1983): the mean of
the exponentials of the residuals, here weighted by the answers, so that answers and targets have the same sum. It is
estimated on rows that the fit has not seen, because residuals of its own rows are too small, and added to the score
as its logarithm, so that the serving form is an ordinary one with a log link.
"""

from __future__ import annotations

# ruff: noqa: N803  X, X_val and y_val are scikit-learn's names
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Numbers = NDArray[np.float64]

PARTS = 5


class LogRidge(Ridge):  # type: ignore[misc]
    """Ridge regression of log(target); answers with the mean of the target."""

    def fit(self, X: Any, y: Numbers, sample_weight: Numbers | None = None) -> Self:
        """Fit on targets above zero; the smearing factor is that of five cross-fitted parts.

        Raises ValueError for other targets.
        """
        super().fit(X, _logs(y), sample_weight=sample_weight)
        fitted: Any = self
        fitted.intercept_ += _log_smearing(self, _Rows(X, y, sample_weight), PARTS)
        return self

    def scores(self, X: Any) -> Numbers:
        """Return what the answers are exponentials of, float64 [rows]."""
        scores: Numbers = super().predict(X)
        return scores

    def predict(self, X: Any) -> Numbers:
        """Return the mean of the target, above zero, float64 [rows]."""
        return _exp(self.scores(X))


class LogHistGradientBoosting(HistGradientBoostingRegressor):  # type: ignore[misc]
    """Histogram gradient boosting of log(target); answers with the statistic that its loss asks for."""

    def fit(
        self, X: Any, y: Numbers, sample_weight: Numbers | None = None, *,
        X_val: Any = None, y_val: Numbers | None = None, sample_weight_val: Numbers | None = None,
    ) -> Self:  # fmt: skip
        """Fit on targets above zero; `X_val` and `y_val` stop it early and give the smearing factor.

        Without them a fit on four fifths of the rows gives that of the rest.
        Raises ValueError for other targets.
        """
        logs = None if y_val is None else _logs(y_val)
        super().fit(X, _logs(y), sample_weight, X_val=X_val, y_val=logs, sample_weight_val=sample_weight_val)
        if self.loss == "squared_error":
            shift = (
                _log_smearing(self, _Rows(X, y, sample_weight), 1)
                if y_val is None
                else _log_ratio(_Rows(X_val, y_val, sample_weight_val), self.predict(X_val))
            )
            start: NDArray[np.float64] = self._baseline_prediction  # type: ignore[has-type]  # it has no types
            self._baseline_prediction = start + shift
        return self

    def predict(self, X: Any) -> Numbers:
        """Return the mean, median or quantile of the target, above zero, float64 [rows]."""
        return _exp(super().predict(X))


class _Rows(NamedTuple):
    """What an estimator is fitted on: a matrix, the target, and the weights of its rows, None where all are equal."""

    matrix: Any
    target: Numbers
    weights: Numbers | None = None

    def take(self, rows: NDArray[np.intp]) -> _Rows:
        """Return some of the rows, by position."""
        return _Rows(self.matrix[rows], self.target[rows], None if self.weights is None else self.weights[rows])


def _log_smearing(fitted: LogRidge | LogHistGradientBoosting, rows: _Rows, parts: int) -> float:
    """Return the logarithm of the smearing factor of a fit on `rows`.

    A fit of the same settings on the others answers for each of the first `parts` fifths of the rows.
    """
    order = np.random.default_rng(fitted.random_state or 0).permutation(len(rows.target))
    held = [np.sort(part) for part in np.array_split(order, PARTS)[:parts] if len(part)]
    kind = Ridge if isinstance(fitted, Ridge) else HistGradientBoostingRegressor
    answers = []
    for part in held:
        others = rows.take(np.delete(np.arange(len(order)), part))
        if not len(others.target):
            return 0.0
        twin = kind(**fitted.get_params(deep=False))
        twin.fit(others.matrix, _logs(others.target), sample_weight=others.weights)
        answers.append(_exp(twin.predict(rows.matrix[part])))
    return _log_ratio(rows.take(np.concatenate(held)), np.concatenate(answers))


def _log_ratio(rows: _Rows, answers: Numbers) -> float:
    """Return the logarithm of the mean of the target over the mean of some answers."""
    means = (np.average(numbers, weights=rows.weights) for numbers in (rows.target, answers))
    return float(np.log(next(means) / next(means)))


def _logs(target: Numbers) -> Numbers:
    if not (np.asarray(target) > 0).all():
        raise ValueError("the logarithm of a target needs targets above zero")
    logs: Numbers = np.log(target)
    return logs


def _exp(scores: Numbers) -> Numbers:
    with np.errstate(over="ignore"):  # infinite beyond the range of a double, as the serving engine answers
        answers: Numbers = np.exp(scores)
    return answers
