"""The fitted thing: a family's preparation and its scikit-learn estimator, on encoded vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn import ensemble
from sklearn.base import BaseEstimator

from modelloop.errors import FitRefusedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.families.preparation import Filled, Matrix, Native, OneHot

MAX_REASON = 500
NEARLY_TIED = 1e-9
_EARLY_STOPPERS = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
_MOST_PROBABLE = {  # their labels follow from their probabilities, and walking every tree twice costs as much again
    ensemble.HistGradientBoostingClassifier,
    ensemble.GradientBoostingClassifier,
    ensemble.RandomForestClassifier,
    ensemble.ExtraTreesClassifier,
}


class Model(BaseEstimator):  # type: ignore[misc]
    """Preparation plus estimator. What serving must reproduce is this object's answers with one thread."""

    def __init__(self, estimator: Any, preparation: Native | Filled | OneHot) -> None:
        self.estimator = estimator
        self.preparation = preparation

    @property
    def classes_(self) -> NDArray[Any]:
        """Return the classes in the order of `predict_proba`'s columns."""
        classes: NDArray[Any] = self.estimator.classes_
        return classes

    def fit(
        self,
        matrix: Matrix,
        target: NDArray[Any],
        *,
        validation: tuple[Matrix, NDArray[Any]] | None = None,
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit on encoded rows; `validation` rows stop boosting early where the estimator can.

        Other estimators leave `validation` alone. Raises FitRefusedError for rows or a value of a parameter that
        the estimator does not take.
        """
        prepared = self.preparation.fit(matrix).transform(matrix)
        extra: dict[str, NDArray[Any]] = {} if sample_weight is None else {"sample_weight": sample_weight}
        if isinstance(self.estimator, _EARLY_STOPPERS):
            self.estimator.set_params(early_stopping=validation is not None)
            if validation is not None:
                extra |= {"X_val": self.preparation.transform(validation[0]), "y_val": validation[1]}
        fit_estimator(self.estimator, prepared, target, **extra)
        return self

    def predict(self, matrix: Matrix) -> NDArray[Any]:
        """Return one label or number a row."""
        answers: NDArray[Any] = self.estimator.predict(self.preparation.transform(matrix))
        return answers

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return class probabilities, shape [rows, classes]."""
        probabilities: NDArray[np.float64] = self.estimator.predict_proba(self.preparation.transform(matrix))
        return probabilities

    def labels(self, matrix: Matrix, probabilities: NDArray[np.float64]) -> NDArray[Any]:
        """Return what `predict` says of rows whose probabilities are known.

        Only where two classes nearly tie does an ensemble have to be asked: ties are broken on its raw scores.
        """
        if type(self.estimator) not in _MOST_PROBABLE:
            return self.predict(matrix)
        answers: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        best = np.partition(probabilities, -2, axis=1)[:, -2:]
        tied = np.flatnonzero(best[:, 1] - best[:, 0] <= NEARLY_TIED)
        if tied.size:
            answers[tied] = self.predict(matrix[tied])
        return answers


def fit_estimator(estimator: Any, prepared: Any, target: NDArray[Any], **extra: Any) -> None:
    """Fit an estimator in place; raise FitRefusedError with what it says of rows or parameters that it refuses."""
    try:
        estimator.fit(prepared, target, **extra)
    except (TypeError, ValueError) as error:  # scikit-learn's ways to refuse rows and parameters
        name = type(estimator).__name__
        raise FitRefusedError(f"{name} cannot be fitted: {str(error)[:MAX_REASON]}") from error


def best_iteration(model: Model) -> int | None:
    """Return after how many iterations a boosting model was best on the rows that stopped it, at least 1.

    None for estimators that do not stop early, and where nothing stopped this one.
    """
    estimator = model.estimator
    if not isinstance(estimator, _EARLY_STOPPERS) or not estimator.early_stopping:
        return None
    return max(1, int(np.argmax(estimator.validation_score_)))  # the first score is that of no iteration
