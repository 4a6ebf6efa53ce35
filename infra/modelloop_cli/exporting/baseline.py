"""A version's baseline as Model Monitor's statistics.json and constraints.json.

Dates are text there, without a distribution; categories that were too rare to be named are counted, but not listed.
The prediction comes last, under the name that captures give it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from modelloop.errors import NotFoundError
from modelloop_cli.exporting.sketch import Bin, sketch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def statistics(manifest: Mapping[str, Any]) -> Document:
    """Return statistics.json of a version; raise NotFoundError when it has no baseline (a brought model)."""
    baseline = _baseline(manifest)
    distinct = {column["name"]: column.get("distinct") for column in manifest.get("profile") or ()}
    features = [_statistics(column, distinct.get(column["name"])) for column in _columns(baseline)]
    return {"version": FORMAT_VERSION, "dataset": {"item_count": baseline["rows"]}, "features": features}


def constraints(manifest: Mapping[str, Any]) -> Document:
    """Return constraints.json of a version; raise NotFoundError when it has no baseline (a brought model)."""
    features = [_constraints(column) for column in _columns(_baseline(manifest))]
    return {"version": FORMAT_VERSION, "features": features, "monitoring_config": _MONITORING}


def whole_columns(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the columns that the baseline calls Integral; none where there is no baseline."""
    columns = (manifest.get("baseline") or {}).get("columns") or ()
    return frozenset(column["name"] for column in columns if _type(column) == INTEGRAL)


def _baseline(manifest: Mapping[str, Any]) -> Document:
    baseline = manifest.get("baseline")
    if not baseline:
        raise NotFoundError(f"version {manifest.get('version')} of {manifest.get('model')!r} has no baseline")
    return dict(baseline)


def _columns(baseline: Document) -> Iterator[Document]:
    yield from baseline["columns"]
    if baseline.get("prediction"):
        yield baseline["prediction"] | {"name": PREDICT}


def _statistics(column: Document, distinct: int | None) -> Document:
    present = sum(column["counts"]) + column["unseen"]
    common = {"num_present": present, "num_missing": column["missing"]}
    head = {"name": column["name"], "inferred_type": _type(column)}
    if column["kind"] == "number":
        moments = column.get("moments") or {}
        figures = {theirs: moments[ours] for ours, theirs in _MOMENTS.items() if moments.get(ours) is not None}
        bins = _bins(column, moments)
        drawn = sketch(bins, whole=head["inferred_type"] == INTEGRAL)
        kll = {"buckets": [_bucket(interval) for interval in bins], "sketch": drawn}
        return head | {"numerical_statistics": {"common": common, **figures, "distribution": {"kll": kll}}}
    categories = column["categories"] or []
    seen = distinct if distinct is not None else sum(map(bool, column["counts"]))
    text: Document = {"common": common, "distinct_count": seen}
    if column["kind"] != "date":
        buckets = [
            {"value": value, "count": count} for value, count in zip(categories, column["counts"], strict=True) if count
        ]
        text["distribution"] = {"categorical": {"buckets": buckets}}
    return head | {"string_statistics": text}


def _bins(column: Document, moments: Mapping[str, Any]) -> list[Bin]:
    """Return the bins that hold rows; without moments the outer ones end at the edge that is known."""
    edges = column["edges"]
    low = moments.get("min", edges[0] if edges else None)
    high = moments.get("max", edges[-1] if edges else None)
    if low is None or high is None:
        return []
    bounds = pairwise([low, *edges, high])
    return [Bin(lower, upper, count) for (lower, upper), count in zip(bounds, column["counts"], strict=True) if count]


def _bucket(interval: Bin) -> Document:
    return {"lower_bound": interval.lower, "upper_bound": interval.upper, "count": interval.rows}


def _constraints(column: Document) -> Document:
    rows = sum(column["counts"]) + column["unseen"] + column["missing"]
    completeness = (rows - column["missing"]) / rows if rows else 1.0
    limits: Document = {"name": column["name"], "inferred_type": _type(column), "completeness": completeness}
    least = (column.get("moments") or {}).get("min")
    if column["kind"] == "number":
        limits["num_constraints"] = {"is_non_negative": least is not None and least >= 0}
    elif column["categories"] and not column["unseen"]:
        limits["string_constraints"] = {"domains": column["categories"]}
    return limits


def _type(column: Document) -> str:
    if column["kind"] != "number":
        return "String"
    return INTEGRAL if (column.get("moments") or {}).get("whole") else "Fractional"
