"""Drift: whether live traffic still looks like the training part.

A column is `drifted` in a window when its distance passes a threshold that grows as samples shrink (effect) and its
G-test stands after correction for the number of columns (evidence). The status needs more: the same column in two
neighbouring windows, or one window far beyond the threshold. Drift that missing values, new categories or refused
requests make is a data fault: something upstream broke, and retraining on it would make it worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.monitoring.drift import histogram_tests
from modelloop.monitoring.drift.comparison import Comparison, compare, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.baseline import Baseline
    from modelloop.monitoring.windows import Window

OK, DRIFT, INSUFFICIENT, FAULT = "ok", "drift", "insufficient_data", "data_fault"
MOST_COLUMNS = 200
MOST_DRAWN = 20
MOST_NAMED = 10
SCHEMA_ERRORS = frozenset({"INVALID_PARAMETER_VALUE"})
SCHEMA_ERROR_SHARE = 0.05
SCHEMA_ERRORS_AT_LEAST = 20


def drift_verdict(
    baseline: Baseline,
    found: Sequence[Window],
    *,
    model: str,
    version: int,
    min_rows: int,
    now: str,
) -> dict[str, Any]:
    """Return the drift document of a version from its windows, newest first (at most two are used)."""
    current = found[0] if found else None
    enough = current is not None and current.rows >= min_rows
    latest = compare(baseline, current) if current else []
    earlier = compare(baseline, found[1]) if len(found) > 1 and found[1].rows >= min_rows else []
    alarming = _alarming(latest, earlier) if enough else []
    faults = [one for one in alarming if one.cause in {"missing", "unseen"}]
    refused = _refused_share(current) if current else 0.0
    features = _worst_first([one for one in latest if not one.is_prediction])
    status = _status(enough, bool(alarming), bool(faults) or refused > 0)
    return {
        "model": model,
        "version": version,
        "status": status,
        "window": current.span() if current else None,
        "rows": current.rows if current else 0,
        "columns": [_shown(one, enough, at < MOST_DRAWN) for at, one in enumerate(features[:MOST_COLUMNS])],
        "prediction": next((_shown(one, enough, True) for one in latest if one.is_prediction), None),
        "updated_at": now,
        "reasons": [
            *_reasons(status, current, min_rows, alarming, refused),
            *(_waiting(latest, alarming) if enough else ()),
        ],
    }


def _alarming(latest: list[Comparison], earlier: list[Comparison]) -> list[Comparison]:
    before = {one.key for one in earlier if one.drifted}
    return [
        one for one in _worst_first(latest) if one.drifted and not one.informational and (one.far or one.key in before)
    ]


def _status(enough: bool, alarming: bool, fault: bool) -> str:
    if fault:
        return FAULT
    if not enough:
        return INSUFFICIENT
    return DRIFT if alarming else OK


def _refused_share(window: Window) -> float:
    """Return the share of requests that the schema refused, or 0 when it is small."""
    errors = window.counts.get("errors", {})
    refused = sum(count for code, count in errors.items() if code in SCHEMA_ERRORS)
    asked = window.counts.get("requests", 0) + sum(errors.values())
    share = refused / asked if asked else 0.0
    return float(share) if refused >= SCHEMA_ERRORS_AT_LEAST and share > SCHEMA_ERROR_SHARE else 0.0


def _reasons(
    status: str, current: Window | None, min_rows: int, alarming: list[Comparison], refused: float
) -> list[str]:
    reasons = [
        f"{one.name}: {one.cause} drifted, distance {one.distance:.3f} against a threshold of {one.threshold:.3f}"
        + ("" if one.far else ", in two windows in a row")
        for one in alarming
    ]
    if refused:
        reasons.append(f"{refused:.0%} of the requests were refused because a value or column did not fit the schema")
    if status == INSUFFICIENT:
        reasons.append(f"{current.rows if current else 0} captured rows in seven days; {min_rows} are needed")
    return reasons


def _waiting(latest: Sequence[Comparison], alarming: Sequence[Comparison]) -> list[str]:
    """Say why columns that drifted raise no alarm."""
    quiet = [one for one in _worst_first(latest) if one.drifted and one not in alarming]
    reasons = {
        "drifted in this window; an alarm when the next one shows it too": [
            one for one in quiet if not one.informational
        ],
        "drifted, as dates do by themselves: no alarm": [one for one in quiet if one.informational],
    }
    return [f"{_named(found)}: {reason}" for reason, found in reasons.items() if found]


def _named(found: Sequence[Comparison]) -> str:
    names = ["the predictions" if one.is_prediction else one.name for one in found]
    more = [f"{len(names) - MOST_NAMED} more"] if len(names) > MOST_NAMED else []
    return ", ".join([*names[:MOST_NAMED], *more])


def _worst_first(found: Sequence[Comparison]) -> list[Comparison]:
    return sorted(found, key=lambda one: (not one.drifted, one.informational, -one.distance / one.threshold, one.name))


def _shown(one: Comparison, enough: bool, drawn: bool) -> dict[str, Any]:
    both = one.histograms
    return {
        "name": one.name,
        "distance": round(one.distance, 6),
        "psi": round(histogram_tests.population_stability(both.baseline, both.window), 6),
        "cdf_gap": round(histogram_tests.cdf_gap(both.baseline, both.window), 6),
        "p_value": one.p_value,
        "threshold": round(one.threshold, 6),
        "drifted": one.drifted and enough,
        "cause": one.cause if enough else None,
        "informational": one.informational,
        "missing": round(share(both.window, -2), 6),
        "unseen": round(share(both.window, -1), 6),
        "bins": {"labels": both.labels, "baseline": list(map(round, both.baseline)), "window": both.window}
        if drawn
        else None,
    }
