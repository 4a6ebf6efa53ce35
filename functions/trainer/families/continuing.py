"""Going on from a fitted model: the same family and parameters, other rows, and what was fitted before is kept.

scikit-learn's `warm_start` is made for the same rows, so each kind is helped over what it takes for granted. Models
stay bounded: boosting grows by at most half of the trees that were asked for, up to twice as many; a forest replaces
its older half.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble, linear_model, neural_network

from modelloop.errors import CannotContinueError
from trainer.families.coefficients import carry_over
from trainer.families.model import Model, fit_estimator
from trainer.families.preparation import OneHot

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trainer.families.preparation import Matrix

MOST_TIMES = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """Encoded rows with their targets, and the validation rows that boosting stops early on."""

    matrix: Matrix
    target: NDArray[Any]
    validation: tuple[Matrix, NDArray[Any]]


def go_on(earlier: Model, asked: Model, rows: Rows, seed: int) -> tuple[Model, str]:
    """Fit `earlier` further and return the model with what was done; `asked` is the same model, unfitted.

    Both are used up. Raises CannotContinueError, saying why, where this would not be sound.
    """
    kind = type(asked.estimator)
    if kind not in _WAYS:
        raise CannotContinueError(f"{kind.__name__} cannot go on from a fitted state")
    if kind in _HISTOGRAM:  # a fit decides it by the rows that it is given
        earlier.estimator.set_params(early_stopping=True)
        asked.estimator.set_params(early_stopping=True)
    _check_same(earlier, asked)
    return _WAYS[kind](earlier, asked, rows, seed)


def _histogram(earlier: Model, asked: Model, rows: Rows, _seed: int) -> tuple[Model, str]:
    """Go on from scores by the trees' real thresholds: those by bin number fit the earlier rows' bins alone.

    The scores that early stopping looks back on are those on these rows.
    """
    estimator, have = earlier.estimator, earlier.estimator.n_iter_
    if estimator.scoring != "loss":
        raise CannotContinueError("it stops early by another score than the loss")
    _check_categories(estimator, rows.matrix)
    estimator.set_params(warm_start=True, max_iter=_most(have, asked.estimator.max_iter))
    starts = iter([estimator._raw_predict(matrix) for matrix in (rows.matrix, rows.validation[0])])  # noqa: SLF001  scores before the link have no public name
    vars(estimator)["_raw_predict"] = lambda *_, **__: next(starts)  # as scikit-learn does for its own scorers
    estimator.train_score_ = estimator.validation_score_ = np.empty(0)
    fit_estimator(estimator, rows.matrix, rows.target, X_val=rows.validation[0], y_val=rows.validation[1])
    del vars(estimator)["_raw_predict"]
    return _as_asked(earlier, asked), f"{have} rounds of its trees and {estimator.n_iter_ - have} more"


def _stages(earlier: Model, asked: Model, rows: Rows, _seed: int) -> tuple[Model, str]:
    estimator, have = earlier.estimator, len(earlier.estimator.estimators_)
    if estimator.n_iter_no_change is not None:
        raise CannotContinueError("it stops early on rows of its own choice, which it may have been fitted on before")
    estimator.set_params(warm_start=True, n_estimators=_most(have, asked.estimator.n_estimators))
    fit_estimator(estimator, _transformed(earlier, rows.matrix), rows.target)
    return _as_asked(earlier, asked), f"{have} rounds of its trees and {len(estimator.estimators_) - have} more"


def _forest(earlier: Model, asked: Model, rows: Rows, seed: int) -> tuple[Model, str]:
    """Replace the older half of the trees. A seed of its own: the earlier one would grow kept trees once more."""
    estimator, new = earlier.estimator, asked.estimator.n_estimators // 2
    if isinstance(getattr(estimator, "class_weight", None), str):
        raise CannotContinueError("its trees would have been fitted with different class weights")
    if not new:
        raise CannotContinueError("a forest of one tree has none to keep")
    estimator.estimators_ = estimator.estimators_[new:]
    kept = len(estimator.estimators_)
    estimator.set_params(warm_start=True, random_state=seed)
    fit_estimator(estimator, _transformed(earlier, rows.matrix), rows.target)
    return _as_asked(earlier, asked), f"{kept} of its trees and {new} new ones"


def _coefficients(earlier: Model, asked: Model, rows: Rows, _seed: int) -> tuple[Model, str]:
    """Begin at the earlier coefficients; fills and scales are those of these rows, so the optimum is a cold fit's."""
    if getattr(asked.estimator, "solver", None) == "liblinear":
        raise CannotContinueError("the solver liblinear cannot begin at coefficients")
    if isinstance(asked.estimator, linear_model.HuberRegressor) and not asked.estimator.fit_intercept:
        raise CannotContinueError("scikit-learn would give it an intercept")
    prepared = asked.preparation.fit(rows.matrix).transform(rows.matrix)
    carry_over(earlier, asked)
    asked.estimator.set_params(warm_start=True)
    fit_estimator(asked.estimator, prepared, rows.target)
    asked.estimator.set_params(warm_start=False)
    return asked, "its coefficients to begin at"


def _network(earlier: Model, asked: Model, rows: Rows, seed: int) -> tuple[Model, str]:
    """Go on from the weights. What the earlier rows' loss was says nothing about when to stop on these."""
    estimator = earlier.estimator
    if estimator.early_stopping:
        raise CannotContinueError("it stops early on rows of its own choice, which it may have been fitted on before")
    estimator._no_improvement_count, estimator.best_loss_, estimator.loss_curve_ = 0, np.inf, []  # noqa: SLF001  only a cold fit resets it
    estimator.set_params(warm_start=True, random_state=seed)
    fit_estimator(estimator, _transformed(earlier, rows.matrix), rows.target)
    return _as_asked(earlier, asked), "its weights to begin at"


def _transformed(earlier: Model, matrix: Matrix) -> Any:
    """Prepare rows as before; refuse missing values without a flag from before: the model could not tell them."""
    preparation = earlier.preparation
    numbers = preparation.numbers_ if isinstance(preparation, OneHot) else np.arange(matrix.shape[1])
    missing = np.intersect1d(numbers, np.flatnonzero([np.isnan(column).any() for column in matrix.T]))
    if len(new := np.setdiff1d(missing, numbers[preparation.flags_])):
        raise CannotContinueError(f"values are missing for the first time, in slot {new[0]}")
    return preparation.transform(matrix)


def _as_asked(earlier: Model, asked: Model) -> Model:
    """Return the model with the parameters that were asked for: the next one compares them."""
    earlier.estimator.set_params(**asked.estimator.get_params(deep=False))
    return earlier


def _most(have: int, asked: int) -> int:
    most = have + max(1, asked // 2)
    if most > MOST_TIMES * asked:
        raise CannotContinueError(f"it has {have} rounds of trees, and {MOST_TIMES * asked} are the most")
    return most


def _check_same(earlier: Model, asked: Model) -> None:
    if type(earlier.estimator) is not type(asked.estimator):
        raise CannotContinueError(f"it is a {type(earlier.estimator).__name__}")
    before, now = (model.estimator.get_params(deep=False) for model in (earlier, asked))
    for name in sorted(now.keys() - {"random_state"}):
        if before[name] != now[name]:
            raise CannotContinueError(f"it was fitted with {name} {before[name]!r} instead of {now[name]!r}")


def _check_categories(estimator: Any, matrix: Matrix) -> None:
    """Refuse other codes than before: scikit-learn numbers those that are there, and trees hold the numbers."""
    if estimator._preprocessor is None:  # noqa: SLF001  the fitted categories have no public name
        return
    encoder = estimator._preprocessor.named_transformers_["encoder"]  # noqa: SLF001
    for slot, known in zip(np.flatnonzero(estimator.is_categorical_), encoder.categories_, strict=True):
        if not np.array_equal(known[~np.isnan(known)], np.unique(matrix[~np.isnan(matrix[:, slot]), slot])):
            raise CannotContinueError(f"slot {slot} holds other categories than before")


type _Way = Callable[[Model, Model, Rows, int], tuple[Model, str]]

_HISTOGRAM = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
_WAYS: dict[type[Any], _Way] = {
    **dict.fromkeys(_HISTOGRAM, _histogram),
    **dict.fromkeys((ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor), _stages),
    **dict.fromkeys((ensemble.RandomForestClassifier, ensemble.RandomForestRegressor), _forest),
    **dict.fromkeys((ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor), _forest),
    **dict.fromkeys((linear_model.LogisticRegression, linear_model.Lasso, linear_model.ElasticNet), _coefficients),
    **dict.fromkeys((linear_model.PoissonRegressor, linear_model.GammaRegressor), _coefficients),
    **dict.fromkeys((linear_model.TweedieRegressor, linear_model.HuberRegressor), _coefficients),
    **dict.fromkeys((neural_network.MLPClassifier, neural_network.MLPRegressor), _network),
}
