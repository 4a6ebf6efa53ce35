"""What metrics are called in a report."""

from __future__ import annotations

NAMES = {
    "log_loss": "log loss", "roc_auc": "ROC AUC", "pr_auc": "PR AUC", "f1": "F1", "brier": "Brier score",
    "rmse": "RMSE", "mae": "MAE", "r2": "R²", "poisson_deviance": "Poisson deviance",
    "gamma_deviance": "gamma deviance",
}  # fmt: skip


def metric_name(metric: str) -> str:
    """Return a metric's name for a person."""
    return NAMES.get(metric, metric.replace("_", " "))
