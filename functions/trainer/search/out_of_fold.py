"""Answers to rows that their model has not seen, in the space where models are added: before the link.

What needs unseen rows (weights of a blend, calibration, intervals, the baseline of answers) reads these, also where
the model that serves is fitted on all rows but the holdout's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.spec import deviance
from trainer.families import link_space
from trainer.families.link_space import HALF_LOGIT, LOGIT, MEAN, raw_scores
from trainer.families.losses import loss_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.families.model import Model

    type Floats = NDArray[np.float64]

AT_ONCE = 1 << 16  # rows: scikit-learn widens them and copies them again
_BINARY = 2


@dataclass(frozen=True, slots=True)
class FoldAnswers:
    """Answers to fitting rows by models that were fitted without them.

    `rows` are rising positions in the fitting rows: the training part, then the validation part, intp [answers]. `raw`
    are the answers before `link`, float64 [answers], or [answers, classes] for several classes; of two classes the
    second's log odds, under the link `mean` its probability. `statistic` is what a regressor predicts (the mean, the
    median), None for classes.
    """

    rows: NDArray[np.intp]
    raw: Floats
    link: str
    statistic: str | None = None


def link_of(model: Model) -> str | None:
    """Return the link of a fitted model: identity, log, logit, softmax or mean; None where it has no flat form.

    Boosting by the exponential loss has half of the log odds as its score; `raw_answers` doubles them, so that its link
    is logit here.
    """
    link = link_space.link_of(model)
    return LOGIT if link == HALF_LOGIT else link


def statistic_of(model: Model) -> str | None:
    """Return what a regressor predicts, such as the mean or the 0.9 quantile; None for a classifier."""
    return None if hasattr(model.estimator, "classes_") else deviance.statistic(loss_of(model.estimator))


def raw_answers(model: Model, matrix: NDArray[np.float32]) -> Floats | None:
    """Return a fitted model's answers to encoded rows before its link, as `FoldAnswers.raw` has them.

    None for a model without a flat form.
    """
    link = link_of(model)
    if link is None:
        return None
    starts = range(0, len(matrix) or 1, AT_ONCE)
    scores = np.concatenate([raw_scores(model, matrix[start : start + AT_ONCE]) for start in starts])
    if scores.shape[1] == 1:
        return scores[:, 0]
    return scores[:, 1] if link == MEAN and scores.shape[1] == _BINARY else scores
