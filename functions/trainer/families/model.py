"""The fitted thing: a family's preparation and its scikit-learn estimator, on encoded vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from modelloop.errors import FitRefusedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from trainer.families.preparation import Filled, Matrix, Native, OneHot

LONGEST_REASON = 500
_EARLY_STOPPERS = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


class Model(BaseEstimator):  # type: ignore[misc]
    """Preparation plus estimator. What serving must reproduce is this object's answers with one thread."""

    def __init__(self, estimator: Any, preparation: Native | Filled | OneHot) -> None:
        self.estimator = estimator
        self.preparation = preparation

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes in the order of `predict_proba`'s columns."""
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
        extra: dict[str, Any] = {} if sample_weight is None else {"sample_weight": sample_weight}
        if isinstance(self.estimator, _EARLY_STOPPERS):
            self.estimator.set_params(early_stopping=validation is not None)
            if validation is not None:
                extra |= {"X_val": self.preparation.transform(validation[0]), "y_val": validation[1]}
        try:
            self.estimator.fit(prepared, target, **extra)
        except (TypeError, ValueError) as error:  # scikit-learn's ways to refuse rows and parameters
            name = type(self.estimator).__name__
            raise FitRefusedError(f"{name} cannot be fitted: {str(error)[:LONGEST_REASON]}") from error
        return self

    def predict(self, matrix: Matrix) -> NDArray[Any]:
        """Return one label or number a row."""
        answers: NDArray[Any] = self.estimator.predict(self.preparation.transform(matrix))
        return answers

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return class probabilities, shape [rows, classes]."""
        probabilities: NDArray[np.float64] = self.estimator.predict_proba(self.preparation.transform(matrix))
        return probabilities
