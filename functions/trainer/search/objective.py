"""By what a run chooses among its trials and by what the gate compares: settled before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isnan
from typing import TYPE_CHECKING

from modelloop.spec import deviance
from modelloop.spec.fields import HIGHER_IS_BETTER
from trainer.evaluation.losses import check_domain
from trainer.families.catalogue import build
from trainer.families.losses import loss_of
from trainer.search.candidates import KEEP, candidate_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.manifest_parts import TrialRecord
    from trainer.search.candidates import Candidate
    from trainer.table import PreparedTable

DEVIANCE, LOG_LOSS = "deviance", "log_loss"


@dataclass(frozen=True, slots=True)
class Objective:
    """Two metrics: `chosen_by` ranks trials on the validation part, `compared_by` is the gate's, on the holdout."""

    chosen_by: str
    compared_by: str


def settle(table: PreparedTable, candidates: list[Candidate]) -> Objective:
    """Return the metrics of a run: log loss, or the loss that all regressors share, or else RMSE; the spec may choose.

    Raises SpecError for parameters that the estimators do not take and for `metric: deviance` without a shared loss,
    DatasetRejectedError for targets on which one of the losses is not defined.
    """
    estimators = [
        build(candidate.family, table.task, table.encoding, candidate.params, table.seed).estimator
        for candidate in candidates
    ]
    named = table.spec.metric
    if table.task == "classification":
        return Objective(named or LOG_LOSS, LOG_LOSS)
    losses = sorted({loss_of(estimator) for estimator in estimators})
    for loss in {*losses, *filter(None, [deviance.canonical(named or "")])}:
        check_domain(loss, table.rows.target, str(table.target))
    if named == DEVIANCE and len(losses) > 1:
        raise table.spec.refuse(
            "metric", f"the estimators have different losses ({', '.join(losses)}), so none is the family's deviance; "
            "name one of them as `metric`"
        )  # fmt: skip
    shared = losses[0] if len(losses) == 1 else deviance.RMSE
    return Objective(shared if named is None or named == DEVIANCE else named, shared)


def best(metric: str, trials: list[TrialRecord]) -> TrialRecord:
    """Return the best of some trials; of equals the earlier."""
    return min(trials, key=lambda trial: _rank(metric, trial))


def survivors(metric: str, trials: list[TrialRecord], at_most: int | None = None) -> list[Candidate]:
    """Return the better third, or `at_most` so many, of what could be fitted, best first; of equals the earlier."""
    ranked = sorted((trial for trial in trials if trial.error is None), key=lambda trial: _rank(metric, trial))
    return [candidate_of(trial) for trial in ranked[: at_most or ceil(len(ranked) / KEEP)]]


def _rank(metric: str, trial: TrialRecord) -> tuple[bool, float]:
    """Return what grows as trials get worse: a refused one is worse than one whose score is not defined."""
    if isnan(trial.score):
        return trial.error is not None, float("inf")
    return False, -trial.score if metric in HIGHER_IS_BETTER else trial.score


def expected_seconds(candidate: Candidate, trials: Sequence[TrialRecord], rows: int) -> float:
    """Return how long a candidate will take on `rows` rows, in proportion to its last trial, or else its family's.

    It is 0 where there is none.
    """
    own = (trial for trial in reversed(trials) if candidate_of(trial) == candidate)
    alike = (trial for trial in reversed(trials) if trial.family == candidate.family)
    last = next(own, None) or next(alike, None)
    return 0.0 if last is None else last.seconds * rows / last.rows


def safest_first(chosen: list[Candidate], trials: list[TrialRecord], rows: int, seconds: float) -> list[Candidate]:
    """Return the candidates with the one first that is fitted in any case: the best that will end in time.

    It is the quickest when none will.
    """
    if not chosen:
        return []
    expected = [expected_seconds(candidate, trials, rows) for candidate in chosen]
    in_time = [place for place, needed in enumerate(expected) if needed <= seconds]
    first = in_time[0] if in_time else expected.index(min(expected))
    return [chosen[first], *chosen[:first], *chosen[first + 1 :]]
