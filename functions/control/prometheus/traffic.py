"""Samples of traffic totals: what callers got of each version and, apart from it, what the version did as a shadow."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from modelloop.captures import quarantine
from modelloop.contracts.counts import branch, histogram, integer, integers
from modelloop.contracts.pointer import SHADOW
from modelloop.monitoring import cost, summary
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS, MICROS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from control.prometheus.families import LabelSet, MetricSample, ModelState
    from modelloop.contracts.counts import Counts

    type LabelledCounts = Iterator[tuple[LabelSet, Counts]]
    type Part = Callable[[ModelState], LabelledCounts]
    type Samples = Callable[[ModelState], Iterator[MetricSample]]


FAILURES = (
    "ARTIFACT_REFUSED", "BAD_REQUEST", "INTERNAL_ERROR", "INVALID_PARAMETER_VALUE", "REQUEST_TOO_LARGE",
    "RESOURCE_DOES_NOT_EXIST", "TEMPORARILY_UNAVAILABLE", "UNSUPPORTED_MEDIA_TYPE",
)  # fmt: skip
NO_VERSION = str(summary.NO_VERSION)
ASKED = frozenset({"requests", "errors"})  # either is counted wherever a caller asked


def answers(state: ModelState) -> LabelledCounts:
    """Yield the counts of what callers got, by version; none for versions that were shadows alone.

    Versions that serve are there before their first request: a rise from nothing is none to a scraper.
    """
    by_version = _by_version(state)
    asked = {version: counts for version, counts in by_version.items() if counts.keys() & ASKED}
    pointer = state.model.serving
    serving = (pointer.champion, pointer.challenger) if pointer else ()
    return _labelled(state, {**{str(ref.version): {} for ref in serving if ref}, **asked})


def asked(state: ModelState) -> LabelledCounts:
    """Yield the counts of what callers asked: `answers`, and requests that met no version."""
    answered = list(answers(state))
    met = not answered or any(not labels["model_version"] for labels, _ in answered)
    unmet: dict[str, Counts] = {} if met else {NO_VERSION: {}}
    return iter([*_labelled(state, unmet), *answered])


def shadows(state: ModelState) -> LabelledCounts:
    """Yield the counts of what versions did as shadows."""
    by_version = _by_version(state)
    return _labelled(
        state, {version: branch(counts, SHADOW) for version, counts in by_version.items() if SHADOW in counts}
    )


def quarantined(state: ModelState) -> Iterator[MetricSample]:
    """Yield unreadable lines by reason; every reason is there before its first line."""
    counts = integers(_by_version(state).get(NO_VERSION, {}), quarantine.COUNTED)
    for reason, count in sorted({**{str(kind): 0 for kind in quarantine.Kind}, **counts}.items()):
        yield "", {"model_name": state.name, "reason": reason}, count


def _by_version(state: ModelState) -> dict[str, Counts]:
    versions: Counts = state.traffic.versions if state.traffic else {}
    return {version: branch(versions, version) for version in versions}


def _labelled(state: ModelState, versions: dict[str, Counts]) -> LabelledCounts:
    for version, counts in sorted(versions.items(), key=lambda item: int(item[0])):
        yield {"model_name": state.name, "model_version": "" if version == NO_VERSION else version}, counts


def counted(part: Part, name: str) -> Samples:
    """Return a function that yields one count of a part."""
    return lambda state: (("", labels, integer(counts, name)) for labels, counts in part(state))


def failures(part: Part) -> Samples:
    """Return a function that yields the failures of a part, by error code; known codes are there before the first."""
    return lambda state: (
        ("", {**labels, "error_code": code}, count)
        for labels, counts in part(state)
        for code, count in sorted({**dict.fromkeys(FAILURES, 0), **integers(counts, "errors")}.items())
    )


def durations(part: Part) -> Samples:
    """Return a function that yields the histogram of a part's warm times, in seconds."""
    return lambda state: (
        sample
        for labels, counts in part(state)
        if (warm := branch(branch(counts, "latency"), "warm"))
        for sample in _histogram(labels, warm)
    )


def _histogram(labels: LabelSet, warm: Counts) -> Iterator[MetricSample]:
    bounds = [*(f"{bound / 1_000:g}" for bound in LATENCY_BOUNDS_MS), "+Inf"]
    in_bins = histogram(warm, "counts")
    for bound, below in zip(bounds, accumulate(in_bins), strict=True):
        yield "_bucket", {**labels, "le": bound}, below
    yield "_sum", labels, integer(warm, "micros") / MICROS / 1_000
    yield "_count", labels, sum(in_bins)


def busy(state: ModelState) -> Iterator[MetricSample]:
    """Yield busy seconds, by the work that they went into."""
    return (("", labels, cost.busy_seconds(counts)) for labels, counts in _work(state))


def costs(state: ModelState) -> Iterator[MetricSample]:
    """Yield costs, by the work that they were paid for; none where prices are unknown."""
    return (("", labels, state.rates.total(counts)) for labels, counts in _work(state) if state.rates)


def cost_per_thousand(state: ModelState) -> Iterator[MetricSample]:
    """Yield the cost of a thousand answers that callers got."""
    for labels, counts in answers(state):
        price = cost.per_thousand(state.rates.total(counts), integer(counts, "requests")) if state.rates else None
        if price is not None:
            yield "", labels, price


def _work(state: ModelState) -> LabelledCounts:
    for work, part in (("answers", answers), ("shadow", shadows)):
        for labels, counts in part(state):
            yield {**labels, "work": work}, counts
