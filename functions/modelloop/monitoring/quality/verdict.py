"""Realised quality: what came true of the predictions of a window, beside what the holdout promised.

Only hours whose labels had time to come back count (the label delay). A version is `degraded` when its realised
interval lies wholly on the worse side of the holdout's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelloop.monitoring import summary, windows
from modelloop.monitoring.quality import scores
from modelloop.monitoring.quality.outcomes import PPM
from modelloop.spec.sections import MIN_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelloop.contracts.counts import Counts

OK, DEGRADED, INSUFFICIENT = "ok", "degraded", "insufficient_data"
ENOUGH_LABELS = 5_000
LEAST_SHOWN = 10
MOST_SLICES = 100
PENDING_HOURS = 72
HIGHER_IS_BETTER = frozenset({"accuracy", "f1", "roc_auc", "pr_auc", "r2"})
COMPARED = {"classification": ("log_loss", "accuracy"), "regression": ("rmse", "mae")}


def matured(
    hours: Iterable[tuple[str, Counts]], now: str, delay_hours: float, version: int
) -> list[tuple[str, Counts]]:
    """Return the hours to judge by, from joined hours that come newest first: at most seven days, 5,000 labels."""
    end = windows.shift(windows.hour_of(now), -math.ceil(delay_hours))
    taken, labels = [], 0
    for hour, joined in hours:
        if hour > end:
            continue
        if windows.span(hour, end) > windows.LONGEST_HOURS or labels >= ENOUGH_LABELS:
            break
        taken.append((hour, joined))
        labels += joined["versions"].get(str(version), {}).get("labelled", 0)
    return taken


def quality_verdict(
    hours: Sequence[tuple[str, Counts]],
    predicted: Mapping[int, int],
    manifests: Mapping[int, Mapping[str, Any]],
    *,
    model: str,
    champion: int,
    estimate: Mapping[str, Any],
    now: str,
) -> dict[str, Any]:
    """Return the quality document of a model from its matured, joined hours (newest first).

    `predicted` are the rows that each version predicted in that window, `manifests` what is known of the versions.
    """
    whole = summary.total(joined for _, joined in hours)
    versions = {int(name): counts for name, counts in whole.get("versions", {}).items() if int(name) in manifests}
    own = versions.get(champion, {})
    figures = scores.figures(own.get("figures", {}), manifests[champion].get("classes"))
    holdout = (manifests[champion].get("metrics") or {}).get("holdout") or {}
    worse = _worse(figures, holdout, manifests[champion].get("task", ""))
    labelled = own.get("labelled", 0)
    status = INSUFFICIENT if labelled < MIN_LABELS else DEGRADED if worse else OK
    return {
        "model": model,
        "version": champion,
        "status": status,
        "window": {"from": windows.moment(hours[-1][0]), "to": windows.moment(windows.shift(hours[0][0], 1))}
        if hours
        else None,
        "rows": labelled,
        "coverage": _share(labelled, predicted.get(champion, 0)),
        "metrics": {name: {**figure, "holdout": holdout.get(name)} for name, figure in figures.items()},
        "versions": [_version(one, versions[one], predicted, manifests[one]) for one in sorted(versions)],
        "slices": _slices(own, manifests[champion].get("classes")),
        "losses": {
            rollout: {version: loss for version, counts in sides.items() if (loss := losses(counts))}
            for rollout, sides in whole.get("rollouts", {}).items()
        },
        "labels": _labels(hours, whole, now),
        "estimate": dict(estimate),
        "updated_at": now,
        "reasons": _reasons(status, labelled, figures, holdout, worse),
    }


def losses(counts: Counts) -> dict[str, float] | None:
    """Return size, mean and variance of the loss of labelled rows: log loss, or squared error."""
    found = counts.get("figures", {})
    rows = found.get("scored", found.get("rows", 0) if "label" in found else 0)
    if rows < 2:  # noqa: PLR2004  a variance needs two
        return None
    unit = PPM if "scored" in found else PPM**2
    mean = found["loss"]["sum"] / rows / unit
    variance = (found["loss"]["squares"] * rows - found["loss"]["sum"] ** 2) / (rows * (rows - 1)) / unit**2
    return {"rows": rows, "mean": mean, "variance": variance}


def _version(version: int, counts: Counts, predicted: Mapping[int, int], manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": version,
        "predicted": predicted.get(version, 0),
        "labelled": counts["labelled"],
        "coverage": _share(counts["labelled"], predicted.get(version, 0)),
        "unknown_labels": counts.get("unknown_labels", 0),
        "metrics": scores.figures(counts.get("figures", {}), manifest.get("classes")),
    }


def _slices(counts: Counts, classes: Sequence[object] | None) -> list[dict[str, Any]]:
    """Return the figures of each slice of at least 10 labelled rows; smaller ones could point at people."""
    found = [
        {"column": column, "value": value, "rows": part["rows"], "metrics": scores.figures(part, classes)}
        for column, parts in sorted(counts.get("slices", {}).items())
        for value, part in sorted(parts.items(), key=lambda item: (-item[1]["rows"], item[0]))
        if part["rows"] >= LEAST_SHOWN
    ]
    return found[:MOST_SLICES]


def _labels(hours: Sequence[tuple[str, Counts]], whole: Counts, now: str) -> dict[str, int]:
    """Return label counts; a label without a prediction is pending for 72 hours, then unknown."""
    young = windows.shift(windows.hour_of(now), -PENDING_HOURS)
    pending = sum(joined["unmatched"] for hour, joined in hours if hour > young)
    return {
        "received": whole.get("labels", 0),
        "repeated": whole.get("repeated", 0),
        "pending": pending,
        "unknown": whole.get("unmatched", 0) - pending,
    }


def _worse(figures: Mapping[str, Any], holdout: Mapping[str, Any], task: str) -> list[str]:
    return [name for name in COMPARED.get(task, ()) if _is_worse(name, figures.get(name), holdout.get(name))]


def _is_worse(name: str, live: Mapping[str, Any] | None, promised: Mapping[str, Any] | None) -> bool:
    if not live or not promised or None in (live["low"], live["high"], promised.get("low"), promised.get("high")):
        return False
    return bool(live["high"] < promised["low"] if name in HIGHER_IS_BETTER else live["low"] > promised["high"])


def _reasons(
    status: str, labelled: int, figures: Mapping[str, Any], holdout: Mapping[str, Any], worse: Sequence[str]
) -> list[str]:
    if status == INSUFFICIENT:
        return [f"{labelled} labelled rows in the window; {MIN_LABELS} are needed"]
    return [
        f"{name} is {figures[name]['value']:.4f} on labelled rows, against {holdout[name]['value']:.4f} on the holdout"
        for name in worse
    ]


def _share(part: int, whole: int) -> float | None:
    return round(min(part / whole, 1.0), 6) if whole else None
