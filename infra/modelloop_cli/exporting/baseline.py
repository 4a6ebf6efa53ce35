"""A version's baseline as Model Monitor's statistics.json and constraints.json.

Dates are text there, without a distribution; categories that were too rare to be named are counted, but not listed.
The prediction comes last, under the name that captures give it.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelloop_cli.exporting.sketch import Bin, sketch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.contracts.baseline import Baseline, BaselineColumn
    from modelloop.contracts.manifest import Manifest

Document = dict[str, Any]

FORMAT_VERSION = 0
PREDICT = "predict"
INTEGRAL = "Integral"
_MOMENTS = {"mean": "mean", "sum": "sum", "deviation": "std_dev", "min": "min", "max": "max"}
_MONITORING = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 0.1,
    "domain_content_threshold": 0.1,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
    },
}


def statistics(manifest: Manifest) -> Document:
    """Return statistics.json of a version."""
    distinct = {column.name: column.distinct for column in manifest.profile}
    features = [_statistics(column, distinct.get(column.name)) for column in _columns(manifest.baseline)]
    return {"version": FORMAT_VERSION, "dataset": {"item_count": manifest.baseline.rows}, "features": features}


def constraints(manifest: Manifest) -> Document:
    """Return constraints.json of a version."""
    features = [_constraints(column) for column in _columns(manifest.baseline)]
    return {"version": FORMAT_VERSION, "features": features, "monitoring_config": _MONITORING}


def whole_columns(manifest: Manifest) -> frozenset[str]:
    """Return the columns that the baseline calls Integral."""
    return frozenset(column.name for column in manifest.baseline.columns if _type(column) == INTEGRAL)


def _columns(baseline: Baseline) -> Iterator[BaselineColumn]:
    yield from baseline.columns
    yield replace(baseline.prediction, name=PREDICT)


def _statistics(column: BaselineColumn, distinct: int | None) -> Document:
    common = {"num_present": sum(column.counts) + column.unseen, "num_missing": column.missing}
    head = {"name": column.name, "inferred_type": _type(column)}
    if column.kind == "number":
        moments = {} if column.moments is None else asdict(column.moments)
        figures = {theirs: moments[ours] for ours, theirs in _MOMENTS.items() if moments.get(ours) is not None}
        bins = _bins(column)
        drawn = sketch(bins, whole=head["inferred_type"] == INTEGRAL)
        kll = {"buckets": [_bucket(interval) for interval in bins], "sketch": drawn}
        return head | {"numerical_statistics": {"common": common, **figures, "distribution": {"kll": kll}}}
    categories = column.bins.categories or ()
    seen = distinct if distinct is not None else sum(map(bool, column.counts))
    text: Document = {"common": common, "distinct_count": seen}
    if column.kind != "date":
        buckets = [
            {"value": value, "count": count} for value, count in zip(categories, column.counts, strict=True) if count
        ]
        text["distribution"] = {"categorical": {"buckets": buckets}}
    return head | {"string_statistics": text}


def _bins(column: BaselineColumn) -> list[Bin]:
    """Return the bins that hold rows; without moments the outer ones end at the edge that is known."""
    edges, moments = column.bins.edges or (), column.moments
    if moments is not None:
        low, high = moments.min, moments.max
    else:
        low, high = (edges[0], edges[-1]) if edges else (None, None)
    if low is None or high is None:
        return []
    bounds = pairwise([low, *edges, high])
    return [Bin(lower, upper, count) for (lower, upper), count in zip(bounds, column.counts, strict=True) if count]


def _bucket(interval: Bin) -> Document:
    return {"lower_bound": interval.lower, "upper_bound": interval.upper, "count": interval.rows}


def _constraints(column: BaselineColumn) -> Document:
    completeness = (column.rows - column.missing) / column.rows if column.rows else 1.0
    limits: Document = {"name": column.name, "inferred_type": _type(column), "completeness": completeness}
    if column.kind == "number":
        least = None if column.moments is None else column.moments.min
        limits["num_constraints"] = {"is_non_negative": least is not None and least >= 0}
    elif column.bins.categories and not column.unseen:
        limits["string_constraints"] = {"domains": list(column.bins.categories)}
    return limits


def _type(column: BaselineColumn) -> str:
    if column.kind != "number":
        return "String"
    return INTEGRAL if column.moments is not None and column.moments.whole else "Fractional"
