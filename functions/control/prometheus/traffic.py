"""Samples of traffic totals: what callers got of each version and, apart from it, what the version did as a shadow."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from modelloop.contracts.pointer import CHALLENGER, CHAMPION, SHADOW
from modelloop.monitoring import cost, quarantine, summary
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS, MICROS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from control.prometheus.families import Labels, ModelState, Sample

    type Counts = Iterator[tuple[Labels, Mapping[str, Any]]]
    type Part = Callable[[ModelState], Counts]
    type Samples = Callable[[ModelState], Iterator[Sample]]


FAILURES = (
    "ARTIFACT_REFUSED", "BAD_REQUEST", "INTERNAL_ERROR", "INVALID_PARAMETER_VALUE", "REQUEST_TOO_LARGE",
    "RESOURCE_DOES_NOT_EXIST", "TEMPORARILY_UNAVAILABLE", "UNSUPPORTED_MEDIA_TYPE",
)  # fmt: skip
NO_VERSION = str(summary.NO_VERSION)
ASKED = frozenset({"requests", "errors"})  # either is counted wherever a caller asked


def answers(state: ModelState) -> Counts:
    """Yield the counts of what callers got, by version; none for versions that were shadows alone.

    Versions that serve are there before their first request: a rise from nothing is none to a scraper.
    """
    told = {version: counts for version, counts in _told(state).items() if counts.keys() & ASKED}
    serving = (state.item.get(role) for role in (CHAMPION, CHALLENGER))
    return _versions(state, {**{str(ref["version"]): {} for ref in serving if ref}, **told})


def asked(state: ModelState) -> Counts:
    """Yield the counts of what callers asked: `answers`, and requests that met no version."""
    found = list(answers(state))
    met = not found or any(not labels["model_version"] for labels, _ in found)
    unmet: dict[str, dict[str, Any]] = {} if met else {NO_VERSION: {}}
    return iter([*_versions(state, unmet), *found])


def shadows(state: ModelState) -> Counts:
    """Yield the counts of what versions did as shadows."""
    told = _told(state).items()
    return _versions(state, {version: counts[SHADOW] for version, counts in told if SHADOW in counts})


def quarantined(state: ModelState) -> Iterator[Sample]:
    """Yield lines that were put aside, by reason; every reason is there before its first line."""
    counts = _told(state).get(NO_VERSION, {}).get(quarantine.COUNTED, {})
    for reason, count in sorted((dict.fromkeys(quarantine.REASONS, 0) | counts).items()):
        yield "", {"model_name": state.name, "reason": reason}, count


def _told(state: ModelState) -> Mapping[str, Mapping[str, Any]]:
    versions: Mapping[str, Mapping[str, Any]] = (state.traffic or {}).get("versions", {})
    return versions


def _versions(state: ModelState, versions: Mapping[str, Mapping[str, Any]]) -> Counts:
    for version, counts in sorted(versions.items(), key=lambda item: int(item[0])):
        yield {"model_name": state.name, "model_version": "" if version == NO_VERSION else version}, counts


def counted(part: Part, name: str) -> Samples:
    """Return what finds one count of a part."""
    return lambda state: (("", labels, counts.get(name, 0)) for labels, counts in part(state))


def failures(part: Part) -> Samples:
    """Return what finds the failures of a part, by error code; known codes are there before their first failure."""
    return lambda state: (
        ("", {**labels, "error_code": code}, count)
        for labels, counts in part(state)
        for code, count in sorted((dict.fromkeys(FAILURES, 0) | counts.get("errors", {})).items())
    )


def durations(part: Part) -> Samples:
    """Return what finds the histogram of a part's warm times, in seconds."""
    return lambda state: (
        sample
        for labels, counts in part(state)
        if (warm := counts.get("latency", {}).get("warm"))
        for sample in _histogram(labels, warm)
    )


def _histogram(labels: Labels, warm: Mapping[str, Any]) -> Iterator[Sample]:
    bounds = [*(f"{bound / 1_000:g}" for bound in LATENCY_BOUNDS_MS), "+Inf"]
    for bound, below in zip(bounds, accumulate(warm["counts"]), strict=True):
        yield "_bucket", {**labels, "le": bound}, below
    yield "_sum", labels, warm["micros"] / MICROS / 1_000
    yield "_count", labels, sum(warm["counts"])


def busy(state: ModelState) -> Iterator[Sample]:
    """Yield busy seconds, by the work that they went into."""
    return (("", labels, cost.busy_seconds(counts)) for labels, counts in _work(state))


def costs(state: ModelState) -> Iterator[Sample]:
    """Yield costs, by the work that they were paid for; none where prices are unknown."""
    return (("", labels, state.rates.total(counts)) for labels, counts in _work(state) if state.rates)


def cost_per_thousand(state: ModelState) -> Iterator[Sample]:
    """Yield the cost of a thousand answers that callers got."""
    for labels, counts in answers(state):
        found = cost.per_thousand(state.rates.total(counts), counts.get("requests", 0)) if state.rates else None
        if found is not None:
            yield "", labels, found


def _work(state: ModelState) -> Counts:
    for work, part in (("answers", answers), ("shadow", shadows)):
        for labels, counts in part(state):
            yield {**labels, "work": work}, counts
