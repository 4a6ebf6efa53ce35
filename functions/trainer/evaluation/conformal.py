"""Split-conformal intervals for regression: how far the truth is from the prediction, on rows not fitted on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from trainer.evaluation.outcome import Outcome

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)


def residual_quantiles(outcome: Outcome) -> dict[str, float]:
    """Return, by level, the half-width that covers at least that share of new rows: {"0.9": 1.23, …}.

    The ceil((n + 1) level)-th smallest of n absolute residuals; levels that n rows cannot promise are left out.
    After Lei et al., "Distribution-free predictive inference for regression" (2018).
    """
    residuals = np.sort(np.abs(outcome.target - outcome.predicted))
    ranks = {level: math.ceil((len(residuals) + 1) * level) for level in LEVELS}
    return {f"{level:g}": float(residuals[rank - 1]) for level, rank in ranks.items() if rank <= len(residuals)}
