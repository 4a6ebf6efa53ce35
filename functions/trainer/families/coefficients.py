"""Linear coefficients from one standardisation to another: the same function of encoded vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.families.model import Model
    from trainer.families.preparation import OneHot


def carry_over(earlier: Model, asked: Model) -> None:
    """Give an unfitted linear estimator the earlier one's coefficients, in terms of its own fitted preparation."""
    source, sink = earlier.estimator, asked.estimator
    flat = np.atleast_2d(np.asarray(source.coef_, np.float64))
    coefficients, shift = translate(flat, earlier.preparation, asked.preparation)
    sink.coef_ = coefficients.reshape((*source.coef_.shape[:-1], -1))
    sink.intercept_ = source.intercept_ + shift.reshape(np.shape(source.intercept_)) if sink.fit_intercept else 0.0
    if hasattr(source, "scale_"):
        sink.scale_ = source.scale_


def translate(
    coefficients: NDArray[np.float64], old: OneHot, new: OneHot
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coefficients [scores, columns] for another preparation of the same slots, and what intercepts gain."""
    many = len(old.numbers_)
    slopes = coefficients[:, :many] / old.scales_
    flagged = slopes * (old.medians_ - new.medians_)
    flagged[:, old.flags_] += coefficients[:, many : many + len(old.flags_)]
    one_hot = coefficients[:, many + len(old.flags_) :]
    shift: NDArray[np.float64] = slopes @ (new.means_ - old.means_)
    return np.hstack([slopes * new.scales_, flagged[:, new.flags_], one_hot]), shift
