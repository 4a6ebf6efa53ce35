"""By what a run chooses among its trials and by what the gate compares: settled before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.spec import deviance
from trainer.evaluation.losses import check_domain
from trainer.families import build
from trainer.families.losses import loss_of

if TYPE_CHECKING:
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
    estimators = [build(one.family, table.task, table.encoding, one.params, table.seed).estimator for one in candidates]
    named = table.spec.metric
    if table.task == "classification":
        return Objective(named or LOG_LOSS, LOG_LOSS)
    losses = sorted({loss_of(estimator) for estimator in estimators})
    for loss in {*losses, *filter(None, [deviance.canonical(named or "")])}:
        check_domain(loss, table.rows.target, table.document["target"])
    if named == DEVIANCE and len(losses) > 1:
        raise table.spec.refuse(
            "metric", f"the estimators have different losses ({', '.join(losses)}), so none is the family's deviance; "
            "name one of them as `metric`"
        )  # fmt: skip
    shared = losses[0] if len(losses) == 1 else deviance.RMSE
    return Objective(shared if named in {None, DEVIANCE} else named, shared)
