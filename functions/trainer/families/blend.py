"""A blend of fitted models: what serving must reproduce of several models that answer together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from modelloop.flat.links import INVERSES, softmax
from modelloop.flat.model import EVEN
from trainer.families.link_space import MEAN, raw_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.families.model import Model
    from trainer.families.preparation import Matrix

FAMILY = "blend"
MAX_MEMBERS = 4
_BINARY = 2


class Blend(BaseEstimator):  # type: ignore[misc]
    """The weighted sum of its members' raw scores, under their one link; the weights are positive and add up to 1.

    It multiplies, adds and inverts the link exactly as the flat engine does, in the same order and with the same
    functions, so that a blend of trees is served to the last bit. Labels follow from the probabilities: of two classes
    the second from one half on, else the most probable.
    """

    def __init__(self, members: list[Model], weights: list[float], link: str) -> None:
        self.members = members
        self.weights = weights
        self.link = link

    @property
    def classes_(self) -> NDArray[Any]:
        """Return the classes in the order of `predict_proba`'s columns; AttributeError for regressors."""
        return self.members[0].classes_

    def raw(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return the weighted sums of the members' scores, float64 [rows, scores]."""
        (weight, first), *rest = zip(self.weights, self.members, strict=True)
        scores = weight * raw_scores(first, matrix)
        for weight, member in rest:
            scores += weight * raw_scores(member, matrix)
        return scores

    def predict(self, matrix: Matrix) -> NDArray[Any]:
        """Return one label or number a row."""
        if hasattr(self, "classes_"):
            return self.labels(matrix, self.predict_proba(matrix))
        return self._inverse(self.raw(matrix)[:, 0])

    def predict_proba(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return class probabilities, shape [rows, classes]."""
        scores = self.raw(matrix)
        if self.link == MEAN:
            return scores
        if scores.shape[1] > 1:
            return np.array(list(map(softmax, scores.tolist())), np.float64).reshape(scores.shape)
        positive = self._inverse(scores[:, 0])
        return np.column_stack([1.0 - positive, positive])

    def labels(self, _matrix: Matrix, probabilities: NDArray[np.float64]) -> NDArray[Any]:
        """Return the labels that go with some probabilities."""
        if len(self.classes_) == _BINARY:
            return self.classes_[(probabilities[:, 1] >= EVEN).astype(np.intp)]
        return self.classes_[probabilities.argmax(axis=1)]

    def _inverse(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        with np.errstate(over="ignore"):  # of a power, which the engine's function catches
            answers: NDArray[np.float64] = np.asarray(np.frompyfunc(INVERSES[self.link], 1, 1)(scores), np.float64)
        return answers
