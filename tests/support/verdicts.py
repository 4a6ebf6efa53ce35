"""Verdicts that tests write by hand: whole ones, of which a test names what it is about."""

from __future__ import annotations

from typing import Any

from modelloop.contracts.quality_verdict import LabelCounts, QualityEstimate, QualityVerdict
from modelloop.contracts.verdicts import ColumnDrift, DriftVerdict, JudgedRollout, RolloutVerdict


def column(name: str, distance: float = 0.05, threshold: float = 0.1, **facts: Any) -> ColumnDrift:
    usual: dict[str, Any] = {
        "psi": 0.0, "cdf_gap": 0.0, "p_value": 0.5, "drifted": distance > threshold, "cause": None,
        "informational": False, "missing": 0.0, "unseen": 0.0, "bins": None,
    }  # fmt: skip
    return ColumnDrift(name, distance, threshold=threshold, **(usual | facts))


def drift(updated_at: str, status: str = "ok", **facts: Any) -> DriftVerdict:
    usual: dict[str, Any] = {
        "model": "m", "version": 1, "window": None, "rows": 5, "columns": (), "prediction": None, "reasons": (),
    }  # fmt: skip
    return DriftVerdict(status=status, updated_at=updated_at, **(usual | facts))


def quality(updated_at: str, status: str = "ok", **facts: Any) -> QualityVerdict:
    usual: dict[str, Any] = {
        "model": "m", "version": 1, "window": None, "rows": 5, "coverage": None, "metrics": {}, "versions": (),
        "slices": (), "losses": {}, "labels": LabelCounts(0, 0, 0, 0), "estimate": QualityEstimate(), "reasons": (),
    }  # fmt: skip
    return QualityVerdict(status=status, updated_at=updated_at, **(usual | facts))


def rollout(updated_at: str, *judged: tuple[str, str], model: str = "m") -> RolloutVerdict:
    """Return the verdict with these (kind, action) pairs."""
    return RolloutVerdict(model, updated_at, tuple(JudgedRollout(kind, action, (), ()) for kind, action in judged))
