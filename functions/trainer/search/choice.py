"""Which trial wins: a pure function of the recorded trials, so that a repeated run chooses alike.

The family defaults and the champion's settings are compared by their figure: the mean over the folds, or the score on
the validation part where that takes the folds' place. A draw has many rivals, so it is lucky more easily: it wins only
when it is better than the best of these by more than one standard error of the paired differences over the folds.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np

from modelloop.spec.fields import HIGHER_IS_BETTER
from trainer.search.candidates import DRAWN
from trainer.search.folds import FOLDS
from trainer.search.objective import best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.manifest_parts import TrialRecord

FOLDS_DECIDE, VALIDATION_DECIDES = "cross_validation", "validation"


def choose(metric: str, trials: Sequence[TrialRecord], by: str) -> TrialRecord:
    """Return the winner of trials on all training rows, decided `by` folds or by the validation part."""
    named = [trial for trial in trials if trial.origin != DRAWN and trial.error is None]
    if not named:
        return best(metric, list(trials))
    base = min(named, key=lambda trial: _rank(metric, trial, by))
    better = [trial for trial in trials if trial.origin == DRAWN and _replaces(metric, trial, base, by)]
    return min(better, key=lambda trial: _rank(metric, trial, by), default=base)


def gain(metric: str, before: Sequence[float], after: Sequence[float]) -> tuple[float, float]:
    """Return by how much paired scores are better after than before, and the standard error of this mean.

    Scores come a fold each, repeat by repeat. The standard error is that of one repeat's folds: repeats divide the same
    rows again, which evens out the luck of the division and is no new evidence. NaN for fewer than two folds.
    """
    sign = 1.0 if metric in HIGHER_IS_BETTER else -1.0
    differences = sign * (np.asarray(after, np.float64) - np.asarray(before, np.float64))
    if len(differences) < 2:  # noqa: PLR2004  one difference has no spread
        return float("nan"), float("nan")
    return float(differences.mean()), float(differences.std(ddof=1) / sqrt(min(len(differences), FOLDS)))


def is_better(metric: str, before: Sequence[float], after: Sequence[float]) -> bool:
    """Return whether paired scores are better after than before by more than one standard error."""
    mean, error = gain(metric, before, after)
    return isfinite(mean) and mean > error


def figure(trial: TrialRecord, by: str) -> float:
    """Return what a trial is judged by: the mean over its folds, or its score on the validation part."""
    if by == VALIDATION_DECIDES:
        return trial.score
    return float(np.mean(trial.folds)) if trial.folds else float("nan")


def _rank(metric: str, trial: TrialRecord, by: str) -> float:
    value = figure(trial, by)
    if not isfinite(value):
        return float("inf")
    return -value if metric in HIGHER_IS_BETTER else value


def _replaces(metric: str, drawn: TrialRecord, base: TrialRecord, by: str) -> bool:
    if drawn.error is not None or drawn.folds is None or base.folds is None:
        return False
    return _rank(metric, drawn, by) < _rank(metric, base, by) and is_better(metric, base.folds, drawn.folds)
