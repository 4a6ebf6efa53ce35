"""One column, baseline against live: bins and counts from the manifest's baseline and the window's summaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.aws.monitoring import summaries
from modelloop.contracts.counts import branch, histogram, integer
from modelloop.errors import NotFoundError
from modelloop.monitoring import summary, windows
from modelloop.monitoring.drift import comparison
from modelloop.monitoring.windows import Window

if TYPE_CHECKING:
    from modelloop.aws.storage import Bucket
    from modelloop.contracts.baseline import Baseline, BaselineColumn
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.manifest import Manifest
    from modelloop.contracts.verdicts import Span
    from modelloop.json_types import JsonValue

PREDICTION = "prediction"


def describe(artifacts: Bucket, manifest: Manifest, span: Span | None, name: str) -> dict[str, JsonValue]:
    """Return a column's bins with their counts in training and in a window (`span` None: nothing live yet).

    `prediction` is the version's answers, unless a feature has that name. Raises NotFoundError for a column that the
    version does not watch.
    """
    baseline = manifest.baseline
    column = _column(baseline, name)
    window = _window(artifacts, manifest, span) if span else None
    is_prediction = column is baseline.prediction
    compared = comparison.compare(baseline, window) if window else []
    compared_column = next((result for result in compared if result.key == (name, is_prediction)), None)
    both = compared_column.histograms if compared_column else comparison.histograms(column, _no_counts(column))
    return {
        "name": name,
        "kind": column.kind,
        "is_prediction": is_prediction,
        "window": span.to_json() if span else None,
        "rows": {"baseline": column.rows, "window": window.rows if window else 0},
        "mean": {
            "baseline": column.moments.mean if column.moments else None,
            "window": _mean(window, name, is_prediction),
        },
        "distance": round(compared_column.distance, 6) if compared_column else None,
        "threshold": round(compared_column.threshold, 6) if compared_column else None,
        "p_value": compared_column.p_value if compared_column else None,
        "bins": both.drawn().to_json(),
    }


def _column(baseline: Baseline, name: str) -> BaselineColumn:
    watched = (*baseline.columns, baseline.prediction)
    column = next((column for column in watched if column.name == name), None)
    if column is None:
        raise NotFoundError(f"the version watches no column {name[:80]!r}", field="column")
    return column


def _window(artifacts: Bucket, manifest: Manifest, span: Span) -> Window:
    start, end = clock.hour_of(span.start), windows.shift(clock.hour_of(span.end), -1)
    stored = summaries.between(artifacts, manifest.model, start, end)
    own = (
        member
        for member in stored
        if member.key.version == manifest.version and member.key.variant in windows.LIVE_VARIANTS
    )
    return Window(start, end, summary.total(counts for _, counts in windows.by_hour(own)))


def _no_counts(column: BaselineColumn) -> Counts:
    return {"counts": [0] * len(column.counts), "missing": 0, "unseen": 0}


def _mean(window: Window | None, name: str, is_prediction: bool) -> float | None:
    """Return the mean of the values that were there, from their sum in fixed point."""
    counts = window.counts if window else {}
    live = branch(counts, PREDICTION) if is_prediction else branch(branch(counts, "columns"), name)
    rows = sum(histogram(live, "counts"))
    return integer(live, "millionths") / summary.MILLIONTHS / rows if rows and "millionths" in live else None
