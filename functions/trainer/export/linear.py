"""Linear models: scaling, imputation, flags and one-hot columns folded into one weight or table a slot."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.families.link_space import linear_link
from trainer.families.preparation import OneHot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.json_types import JsonObject
    from trainer.families.model import Model

    type _Folded = tuple[float, list[float], list[float], list[list[float]]]


def form(model: Model) -> JsonObject | None:
    """Return the flat form of a linear model on one-hot preparation; None for anything else."""
    link = linear_link(model)
    if link is None or not isinstance(model.preparation, OneHot):
        return None
    return {
        "form": "linear",
        "link": link,
        "inclusive": False,
        "by_eights": True,
        **_fold(model.estimator, model.preparation),
    }


def _fold(estimator: Any, preparation: OneHot) -> JsonObject:
    coefficients = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    intercepts = np.broadcast_to(np.asarray(estimator.intercept_, dtype=np.float64), len(coefficients))
    folded = [_fold_one(row, float(start), preparation) for row, start in zip(coefficients, intercepts, strict=True)]
    return {
        "intercept": [part[0] for part in folded],
        "numbers": preparation.numbers_.tolist(),
        "weights": [part[1] for part in folded],
        "missing": [part[2] for part in folded],
        "categories": preparation.categories_.tolist(),
        "tables": [part[3] for part in folded],
        **_centres(folded, coefficients, preparation),
    }


def _centres(folded: Sequence[_Folded], coefficients: NDArray[np.float64], preparation: OneHot) -> JsonObject:
    """Return what each slot adds to each score in the mean of the training rows; nothing of older preparations."""
    if not hasattr(preparation, "absent_"):
        return {}
    width, centres = len(preparation.numbers_), np.zeros((len(folded), len(preparation.codes)))
    for centre, (_, weights, _, tables), row in zip(centres, folded, coefficients, strict=True):
        flagged = np.zeros(width)
        flagged[preparation.flags_] = row[width : width + len(preparation.flags_)]
        centre[preparation.numbers_] = np.array(weights) * preparation.means_ + flagged * preparation.absent_
        for slot, table, shares in zip(preparation.categories_, tables, preparation.frequencies_, strict=True):
            centre[slot] = np.array(table) @ shares
    return {"centres": centres.tolist()}


def _fold_one(coefficients: NDArray[np.float64], intercept: float, preparation: OneHot) -> _Folded:
    """Fold one score: its intercept, the weight and missing term of each number slot, the table of each category."""
    width = len(preparation.numbers_)
    flagged = np.zeros(width)
    flagged[preparation.flags_] = coefficients[width : width + len(preparation.flags_)]
    weights = coefficients[:width] / preparation.scales_
    centred = fsum([intercept, *(-weights * preparation.means_).tolist()])
    missing = weights * preparation.medians_ + flagged
    start = width + len(preparation.flags_)
    tables = []
    for slot in preparation.categories_:
        end = start + preparation.codes[slot] + 1
        tables.append(coefficients[start:end].tolist())
        start = end
    return centred, weights.tolist(), missing.tolist(), tables
