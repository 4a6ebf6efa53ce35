"""Drift: whether live traffic still looks like the training part.

A column is `drifted` in a window when its distance passes a threshold that grows as samples shrink (effect) and its
G-test stays significant after correction for the number of columns (evidence). The status needs more: the same column
in two neighbouring windows, or one window far beyond the threshold. Drift that missing values, new categories or
refused requests make is a data fault: something upstream broke, and retraining on it would make it worse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.contracts.counts import integer, integers
from modelloop.contracts.verdicts import DRIFT, FAULT, INSUFFICIENT, OK, ColumnDrift, DriftVerdict
from modelloop.monitoring.drift import histogram_tests
from modelloop.monitoring.drift.comparison import Comparison, compare, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.baseline import Baseline
    from modelloop.monitoring.windows import Window

MAX_COLUMNS = 200
MAX_DRAWN = 20
MAX_NAMED = 10
SCHEMA_ERRORS = frozenset({"INVALID_PARAMETER_VALUE"})
SCHEMA_ERROR_SHARE = 0.05
MIN_SCHEMA_ERRORS = 20


def drift_verdict(
    baseline: Baseline,
    windows: Sequence[Window],
    *,
    model: str,
    version: int,
    min_rows: int,
    now: str,
) -> DriftVerdict:
    """Return the drift verdict of a version from its windows, newest first (at most two are used)."""
    current = windows[0] if windows else None
    enough = current is not None and current.rows >= min_rows
    latest = compare(baseline, current) if current else []
    earlier = compare(baseline, windows[1]) if len(windows) > 1 and windows[1].rows >= min_rows else []
    alarming = _alarming(latest, earlier) if enough else []
    faults = [column for column in alarming if column.cause in {"missing", "unseen"}]
    refused = _refused_share(current) if current else 0.0
    features = _worst_first([column for column in latest if not column.is_prediction])
    status = _status(enough, bool(alarming), bool(faults) or refused > 0)
    return DriftVerdict(
        model=model,
        version=version,
        status=status,
        window=current.span() if current else None,
        rows=current.rows if current else 0,
        columns=tuple(_column(column, enough, at < MAX_DRAWN) for at, column in enumerate(features[:MAX_COLUMNS])),
        prediction=next((_column(column, enough, True) for column in latest if column.is_prediction), None),
        updated_at=now,
        reasons=(
            *_reasons(status, current, min_rows, alarming, refused, _doubt(baseline)),
            *(_reasons_to_wait(latest, alarming) if enough else ()),
        ),
        season=baseline.season,
    )


def _alarming(latest: list[Comparison], earlier: list[Comparison]) -> list[Comparison]:
    before = {column.key for column in earlier if column.drifted}
    return [
        column
        for column in _worst_first(latest)
        if column.drifted and not column.informational and (column.far or column.key in before)
    ]


def _status(enough: bool, alarming: bool, fault: bool) -> str:
    if fault:
        return FAULT
    if not enough:
        return INSUFFICIENT
    return DRIFT if alarming else OK


def _refused_share(window: Window) -> float:
    """Return the share of requests that the schema refused, or 0 when it is small."""
    errors = integers(window.counts, "errors")
    refused = sum(count for code, count in errors.items() if code in SCHEMA_ERRORS)
    asked = integer(window.counts, "requests") + sum(errors.values())
    refused_share = refused / asked if asked else 0.0
    return refused_share if refused >= MIN_SCHEMA_ERRORS and refused_share > SCHEMA_ERROR_SHARE else 0.0


def _doubt(baseline: Baseline) -> str:
    """Return what is added to values that drifted where the training part has not seen all cycles twice."""
    unknown = baseline.season.unknown if baseline.season else ()
    return f" (may be a season: the training part has not seen two of a {unknown[-1]})" if unknown else ""


def _reasons(
    status: str, current: Window | None, min_rows: int, alarming: list[Comparison], refused: float, doubt: str
) -> list[str]:
    reasons = [
        f"{column.name}: {column.cause} drifted, distance {column.distance:.3f} against a threshold of "
        f"{column.threshold:.3f}"
        + ("" if column.far else ", in two windows in a row")
        + (doubt if column.cause == "values" else "")
        for column in alarming
    ]
    if refused:
        reasons.append(f"{refused:.0%} of the requests were refused because a value or column did not fit the schema")
    if status == INSUFFICIENT:
        reasons.append(f"{current.rows if current else 0} captured rows in seven days; {min_rows} are needed")
    return reasons


def _reasons_to_wait(latest: Sequence[Comparison], alarming: Sequence[Comparison]) -> list[str]:
    """Return why columns that drifted raise no alarm."""
    quiet = [column for column in _worst_first(latest) if column.drifted and column not in alarming]
    reasons = {
        "drifted in this window; an alarm when the next one shows it too": [
            column for column in quiet if not column.informational
        ],
        "drifted, as dates do by themselves: no alarm": [
            column for column in quiet if column.informational and column.column.kind == "date"
        ],
        "drifted, as numbers of the calendar or that grow with the rows do: no alarm without `watch` in model.yaml": [
            column for column in quiet if column.informational and column.column.kind != "date"
        ],
    }
    return [f"{_names(columns)}: {reason}" for reason, columns in reasons.items() if columns]


def _names(columns: Sequence[Comparison]) -> str:
    names = ["the predictions" if column.is_prediction else column.name for column in columns]
    more = [f"{len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else []
    return ", ".join([*names[:MAX_NAMED], *more])


def _worst_first(columns: Sequence[Comparison]) -> list[Comparison]:
    return sorted(
        columns,
        key=lambda column: (not column.drifted, column.informational, -column.distance / column.threshold, column.name),
    )


def _column(column: Comparison, enough: bool, drawn: bool) -> ColumnDrift:
    both = column.histograms
    return ColumnDrift(
        name=column.name,
        distance=round(column.distance, 6),
        psi=round(histogram_tests.population_stability(both.baseline, both.window), 6),
        cdf_gap=round(histogram_tests.cdf_gap(both.baseline, both.window), 6),
        p_value=column.p_value,
        threshold=round(column.threshold, 6),
        drifted=column.drifted and enough,
        cause=column.cause if enough else None,
        informational=column.informational,
        missing=round(share(both.window, -2), 6),
        unseen=round(share(both.window, -1), 6),
        bins=both.drawn() if drawn else None,
    )
