"""One column, baseline against live: bins and counts from the manifest's baseline and the window's summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.aws.monitoring import summaries
from modelloop.errors import NotFoundError
from modelloop.monitoring import summary, windows
from modelloop.monitoring.drift import comparison
from modelloop.monitoring.windows import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.aws.storage import Bucket

OWN_TRAFFIC = frozenset({"champion", "challenger"})  # a shadow repeats the champion's rows, a pinned version is a test
PREDICTION = "prediction"


def describe(
    artifacts: Bucket, manifest: Mapping[str, Any], span: Mapping[str, str] | None, name: str
) -> dict[str, Any]:
    """Return a column's bins with their counts in training and in a window (`span` None: nothing live yet).

    `prediction` is the version's answers, unless a feature has that name. Raises NotFoundError for a column that the
    version does not watch.
    """
    baseline = manifest.get("baseline") or {}
    column = _column(baseline, name)
    window = _window(artifacts, manifest, span) if span else None
    is_prediction = column is baseline[PREDICTION]
    compared = comparison.compare(baseline, window) if window else []
    found = next((one for one in compared if one.key == (name, is_prediction)), None)
    both = found.histograms if found else comparison.histograms(column, _nothing(column))
    return {
        "name": name,
        "kind": column["kind"],
        "is_prediction": is_prediction,
        "window": span,
        "rows": {"baseline": _rows(column), "window": window.rows if window else 0},
        "mean": {"baseline": (column.get("moments") or {}).get("mean"), "window": _mean(window, name, is_prediction)},
        "distance": round(found.distance, 6) if found else None,
        "threshold": round(found.threshold, 6) if found else None,
        "p_value": found.p_value if found else None,
        "bins": {"labels": both.labels, "baseline": list(map(round, both.baseline)), "window": both.window},
    }


def _rows(column: Mapping[str, Any]) -> int:
    return int(sum(column["counts"]) + column["missing"] + column["unseen"])


def _column(baseline: Mapping[str, Any], name: str) -> dict[str, Any]:
    watched: list[dict[str, Any]] = [*baseline.get("columns", ()), *filter(None, [baseline.get(PREDICTION)])]
    found = next((one for one in watched if one["name"] == name), None)
    if found is None:
        raise NotFoundError(f"the version watches no column {name[:80]!r}", field="column")
    return found


def _window(artifacts: Bucket, manifest: Mapping[str, Any], span: Mapping[str, str]) -> Window:
    start, end = windows.hour_of(span["from"]), windows.shift(windows.hour_of(span["to"]), -1)
    stored = summaries.between(artifacts, manifest["model"], start, end)
    own = (one for one in stored if one.key.version == manifest["version"] and one.key.variant in OWN_TRAFFIC)
    return Window(start, end, summary.total(counts for _, counts in windows.by_hour(own)))


def _nothing(column: Mapping[str, Any]) -> dict[str, Any]:
    return {"counts": [0] * len(column["counts"]), "missing": 0, "unseen": 0}


def _mean(window: Window | None, name: str, is_prediction: bool) -> float | None:
    """Return the mean of the values that were there, from their sum in fixed point."""
    counts = window.counts if window else {}
    live = counts.get(PREDICTION, {}) if is_prediction else counts.get("columns", {}).get(name, {})
    rows = sum(live.get("counts", ()))
    return live["millionths"] / summary.MILLIONTHS / rows if rows and "millionths" in live else None
